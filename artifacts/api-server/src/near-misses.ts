/** Names in the environment that are no settings of ours, and look as if they were meant to be. */

/** What other programs call it. */
const ALIASES: Readonly<Record<string, string>> = {
  DB_URL: 'DATABASE_URL',
  PG_URL: 'DATABASE_URL',
  POSTGRES_URL: 'DATABASE_URL',
  POSTGRESQL_URL: 'DATABASE_URL',
  OPENAI_API_BASE: 'OPENAI_BASE_URL',
};
/** Longer ones are somebody else's, and would only fill the screen. */
const LONGEST_NAME = 60;

export interface NearMiss {
  readonly name: string;
  readonly setting: string;
}

/** Each with the setting that comes nearest, in the order of `names`. */
export function findNearMisses(names: readonly string[], settings: readonly string[]): NearMiss[] {
  return names.flatMap((name) => {
    if (settings.includes(name) || name.length > LONGEST_NAME) return [];
    const setting = nearestSetting(name, settings);
    return setting === undefined ? [] : [{ name: JSON.stringify(name).slice(1, -1), setting }];
  });
}

function nearestSetting(name: string, settings: readonly string[]): string | undefined {
  const words = wordsOf(name);
  const meant = ALIASES[words.join('_')];
  if (meant) return meant;
  const ranked = settings
    .map((setting) => ({ setting, distance: distanceBetween(words, setting.split('_')) }))
    .toSorted((one, other) => one.distance - other.distance);
  const [nearest] = ranked;
  return nearest && nearest.distance < Number.POSITIVE_INFINITY ? nearest.setting : undefined;
}

/** `export` and stray characters come with files of settings that were written for a shell; TIMMY_ with some habits. */
function wordsOf(name: string): string[] {
  const plain = name.replace(/^\s*export\s/i, '').toUpperCase();
  const words = plain.split(/[^A-Z0-9]+/).filter(Boolean);
  const own = /^TIMMY_?(TOWER_?)?(?=\w)/.exec(words.join('_'))?.[0] ?? '';
  return words.join('_').slice(own.length).split('_');
}

/** Infinite: it is something else. */
function distanceBetween(words: readonly string[], settingWords: readonly string[]): number {
  const [given, wanted] = [words.map(singular).join(''), settingWords.map(singular).join('')];
  const edits = countEdits(given, wanted);
  if (edits <= Math.max(1, Math.floor(wanted.length / 6))) return edits;
  return isWordApart(words, settingWords) ? wanted.length : Number.POSITIVE_INFINITY;
}

/** OPENAI_KEY for OPENAI_API_KEY, DATABASE_URL_FILE for DATABASE_URL: one word more or less, of settings with two or more. */
function isWordApart(words: readonly string[], settingWords: readonly string[]): boolean {
  const [short, long] = words.length < settingWords.length ? [words, settingWords] : [settingWords, words];
  if (short.length < 2 || long.length !== short.length + 1 || words[0] !== settingWords[0]) return false;
  return long.some((_, index) => long.toSpliced(index, 1).join('_') === short.join('_'));
}

const singular = (word: string) => word.replace(/IES$/, 'Y').replace(/(?<=\w{3})S$/, '');

/** Letters put in, left out, changed, or swapped with their neighbour (optimal string alignment). */
function countEdits(one: string, other: string): number {
  const rows = Array.from({ length: one.length + 1 }, (_, row) => [row]);
  const at = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  rows[0] = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row += 1) {
    for (let column = 1; column <= other.length; column += 1) {
      const changed = one[row - 1] === other[column - 1] ? 0 : 1;
      const isSwap = row > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      rows[row]![column] = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + changed,
        isSwap ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
  }
  return at(one.length, other.length);
}
