import { findList, headOf } from './list.ts';
import { subjectOf } from './plan.ts';

const MAX_HEAD_WORDS = 6;
/** A text of no more words than this has nothing left to leave out. */
const FEW_WORDS = 8;

/**
 * A shorter text about the same thing. Each call takes the mildest cut that there is: a list becomes one line, several
 * sentences become the first, a sentence loses its last clause, then its last words.
 * @returns undefined when nothing is left to leave out
 */
export function condense(text: string): string | undefined {
  for (const cut of [listToLine, dropItems, firstSentence, dropLastClause, firstWords]) {
    const shorter = cut(text.trim());
    if (shorter !== undefined && shorter !== '' && shorter.length < text.trim().length) return shorter;
  }
  return undefined;
}

/** `Brew coffee: gather, measure, heat, brew, taste.` */
function listToLine(text: string): string | undefined {
  const list = findList(text);
  if (list === undefined) return undefined;
  const subject = subjectOf(list.title);
  const heads = list.items.map((item) => lowerFirst(headOf(item))).join(', ');
  return subject === '' ? `${heads}.` : `${subject}: ${heads}.`;
}

/** A line of heads keeps its first, middle and last, then none. */
function dropItems(text: string): string | undefined {
  const [, subject, line] = /^([^:\n]+): ([^:.\n]+)\.$/.exec(text) ?? [];
  const heads = line?.split(', ') ?? [];
  if (subject === undefined || heads.length < 3 || heads.some((head) => head.split(' ').length > MAX_HEAD_WORDS))
    return undefined;
  const kept = heads.length > 3 ? [heads[0], heads[Math.floor(heads.length / 2)], heads.at(-1)] : [];
  return kept.length === 0 ? `${subject}.` : `${subject}: ${kept.join(', ')}.`;
}

function firstSentence(text: string): string | undefined {
  const [first, ...others] = text.split(/(?<=[.!?…][”"’)]?)\s+|\n+/);
  return others.length === 0 ? undefined : first?.trim();
}

function dropLastClause(text: string): string | undefined {
  const clause = text.search(/[,;:–—][^,;:–—]*$/);
  return clause < 1 ? undefined : `${closeQuote(text.slice(0, clause).trim())}.`;
}

function firstWords(text: string): string | undefined {
  const words = text.split(/\s+/);
  return words.length <= FEW_WORDS ? undefined : `${closeQuote(words.slice(0, FEW_WORDS).join(' '))}…`;
}

function closeQuote(text: string): string {
  return text.lastIndexOf('“') > text.lastIndexOf('”') ? `${text}”` : text;
}

function lowerFirst(text: string): string {
  const isName = /^\p{Lu}[\p{Lu}\d]/u.test(text);
  return isName ? text : text.charAt(0).toLowerCase() + text.slice(1);
}
