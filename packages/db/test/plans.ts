/** What PostgreSQL does to run a statement, and every statement within it: as `auto_explain` tells the connection itself. */
import { drizzle } from 'drizzle-orm/node-postgres';

import type { Database } from '../src/transaction.ts';
import { openPool } from './open-pool.ts';

/** The plans are those that a server has: made once, without a look at the parameters. */
const SETTINGS = {
  plan_cache_mode: 'force_generic_plan',
  track_functions: 'all',
  session_preload_libraries: 'auto_explain',
  'auto_explain.log_analyze': 'on',
  'auto_explain.log_buffers': 'on',
  'auto_explain.log_timing': 'off',
  'auto_explain.log_nested_statements': 'on',
  'auto_explain.log_format': 'json',
  'auto_explain.log_level': 'notice',
  'auto_explain.log_min_duration': '0',
};

/** A page of 100, or as many leases, and what is next to them. */
const MOST_ROWS = 250;
/** Reading a row by an index takes some five pages of it. */
const MOST_PAGES = 2500;

/** What may be read beside that, and how much of it. */
const IN_VAIN = [
  { statement: 'm.in_prompts AND', rows: 1008 }, // a silence, which prompts leave out
  { statement: 'AS is_opening', rows: 5000 }, // what recall looks through
  { statement: 'from "ledger_entries" where', rows: 1 }, // the entry that a page starts behind: its index ends with the time
];

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Join Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly 'Shared Hit Blocks'?: number;
  readonly 'Shared Read Blocks'?: number;
  readonly Plans?: readonly PlanNode[];
}

export interface ExplainedStatement {
  readonly 'Query Text': string;
  readonly Plan: PlanNode;
}

export interface ExplainedDatabase extends AsyncDisposable {
  readonly db: Database;
  /** What is wrong with the plans since the last call, each once. */
  takeFaults(): string[];
}

/** A database on one connection, on which every statement is explained. Only for a superuser. */
export function openExplainedDatabase(url: string): ExplainedDatabase {
  const options = Object.entries(SETTINGS).map(([name, value]) => `-c ${name}=${value}`);
  const pool = openPool({ connectionString: url, max: 1, idleTimeoutMillis: 0, options: options.join(' ') });
  const faults = new Set<string>();
  pool.on('connect', (client) =>
    client.on('notice', ({ message }) => {
      for (const fault of faultsOf(readPlan(message))) faults.add(fault);
    }),
  );
  return {
    db: drizzle(pool),
    takeFaults() {
      const taken = [...faults];
      faults.clear();
      return taken;
    },
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

function readPlan(message: string | undefined): ExplainedStatement {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- auto_explain's format: json
  return JSON.parse(message!.slice(message!.indexOf('{'))) as ExplainedStatement;
}

export function faultsOf({ 'Query Text': text, Plan: plan }: ExplainedStatement): string[] {
  const pages = (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
  const inVain = IN_VAIN.find(({ statement }) => text.includes(statement))?.rows ?? 0;
  const faults = allNodes(plan).flatMap((node) => [...faultsOfNode(node, inVain)]);
  if (pages > MOST_PAGES) faults.push(`reads ${pages} pages`);
  return faults.map((fault) => `${fault}: ${text.replaceAll(/\s+/g, ' ')}`);
}

const allNodes = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(allNodes)];

function* faultsOfNode(node: PlanNode, inVain: number): Generator<string> {
  const { 'Node Type': type, 'Relation Name': table, 'Actual Rows': rows = 0, 'Actual Loops': loops = 1 } = node;
  const removed =
    (node['Rows Removed by Filter'] ?? 0) +
    (node['Rows Removed by Join Filter'] ?? 0) +
    (node['Rows Removed by Index Recheck'] ?? 0);
  if (type === 'Seq Scan') yield `reads all of ${table}`;
  // A row that was found by its whole key, and is not as it would have to be, was read all the same.
  const foundByKey = removed + rows <= 1;
  if (!foundByKey && removed > inVain) yield `removes ${removed * loops} rows by a filter in ${table ?? type}`;
  if (rows * loops > MOST_ROWS + inVain) yield `reads ${rows * loops} rows in ${table ?? type}`;
}
