/**
 * Reads SQL for what a PostgreSQL that is sharded by session cannot run on one shard: for tests. It knows the SQL that this
 * project writes, not all there is.
 */

const TABLES = ['sessions', 'session_keys', 'session_requests', 'session_messages', 'invoices', 'ledger_entries'];
const PARAMETER = String.raw`(?:\$\d+|p_session|v_session|new\.session_id)`;
const VOLATILE = /\b(?:clock_timestamp|random|gen_random_uuid|timeofday|nextval|next_message_time)\(/;
const NO_ALIAS = 'where|set|on|inner|left|join|order|limit|for|values|returning|using|cross';

/** A statement, or a query within one, whose own subqueries are taken out. */
interface Query {
  readonly text: string;
  readonly within: readonly Query[];
}

/** Which rules a statement breaks: none, if one shard can run it. */
export function brokenShardRules(statement: string): string[] {
  const text = normalise(statement);
  const query = readQuery(text);
  return [...unnamedSessions(query), ...volatileChanges(text), ...columnArithmetic(text)];
}

/** The SQL statements in the body of a PL/pgSQL function. */
export function statementsOf(body: string): string[] {
  return body
    .replaceAll(/--[^\n]*/g, '')
    .split(';')
    .map((part) => /\b(?:SELECT|PERFORM|UPDATE|DELETE|INSERT)\b.*/s.exec(part)?.[0])
    .filter((part) => part !== undefined);
}

const normalise = (statement: string) =>
  statement
    .replaceAll(/--[^\n]*/g, '')
    .replaceAll('"', '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\s+\(/g, ' (')
    .trim()
    .toLowerCase();

function readQuery(text: string): Query {
  const root = { text: '', within: [] as Query[] };
  const open: { text: string; within: Query[] }[] = [root];
  const isQuery: boolean[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const current = open.at(-1)!;
    const character = text[at]!;
    if (character === '(') isQuery.push(/^\(\s*(?:select|with|insert|update|delete)\b/.test(text.slice(at, at + 20)));
    const ofQuery = character === '(' ? isQuery.at(-1) : character === ')' && isQuery.pop();
    if (!ofQuery) current.text += character;
    else if (character === ')') open.pop();
    else {
      const inner = { text: '', within: [] };
      current.within.push(inner);
      current.text += '()';
      open.push(inner);
    }
  }
  return root;
}

function* unnamedSessions({ text, within }: Query): Generator<string> {
  const named = new RegExp(
    String.raw`\b(?:from|join|update|into|using|,)\s*(?:only )?(${TABLES.join('|')})\b(?: as)?(?: (?!(?:${NO_ALIAS})\b)(\w+))?`,
    'g',
  );
  const references = [...text.matchAll(named)].map(([, table, alias]) => ({ table: table!, alias: alias ?? table! }));
  const insert = /^insert into (\w+) ?\(([^)]*)\) values (.*)/.exec(text);
  for (const { table, alias } of references) {
    const isNamed =
      insert?.[1] === table ? insertsIntoSession(table, insert[2]!, insert[3]!) : namesSession(text, table, alias);
    if (!isNamed) yield `names no session for ${table}`;
  }
  for (const query of within) yield* unnamedSessions(query);
}

const keyOf = (table: string) => (table === 'sessions' ? 'id' : 'session_id');

function namesSession(text: string, table: string, alias: string): boolean {
  const column = String.raw`(?<![\w.])(?:${alias}\.)?${keyOf(table)}`;
  return new RegExp(String.raw`${column} (?:= ?(?:any ?\()?|in \()${PARAMETER}`).test(text);
}

function insertsIntoSession(table: string, columns: string, values: string): boolean {
  const place = columns.split(', ').indexOf(keyOf(table));
  const value = values.replace(/^\(/, '').split(', ')[place];
  return value !== undefined && new RegExp(`^${PARAMETER}`).test(value);
}

function* volatileChanges(text: string): Generator<string> {
  const change = /\b(?:update (?:\w+ ){1,2}set|delete from) .*/.exec(text)?.[0];
  const called = change && VOLATILE.exec(change)?.[0];
  if (called) yield `calls ${called}) in a change`;
}

/** `column + interval` in a condition: an index on the column is of no use then. */
function* columnArithmetic(text: string): Generator<string> {
  for (const [condition] of text.matchAll(/\bwhere .*?(?=$| (?:order|limit|returning|group) )/g)) {
    const reckoned = /(?<![\w$])(?:\w+\.)?(?!v_|p_)\w+_(?:at|since) ?[+-] ?[\w$(]/.exec(condition)?.[0];
    if (reckoned) yield `reckons with a column: ${reckoned}`;
  }
}
