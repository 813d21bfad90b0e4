/** What a how-to question is about. */

/** The part of a message that is looked at: what someone wants is said early. */
export const MAX_READ_LENGTH = 500;

const MAX_TASK_WORDS = 9;
const MAX_TASK_LENGTH = 70;

const howTo =
  /\b(?:how (?:do|does|can|could|should|would|might|must|shall) (?:i|we|you|one|someone|somebody|people|anyone)|how to|(?:best|right|good|easiest|quickest) way to|(?:steps|plan|guide|instructions|checklist|recipe) to|(?:teach|show|help) me(?: how)?(?: to)?|(?:i want|i need|i would like|i'd like|what do i need) to) +(?:best |properly |actually |really |even )*(.+)/i;
const nounAsked = /\b(?:(recipe)|plan|guide|instructions|checklist|tips) for +(.+)/i;

/** The task a how-to question names, ready to stand in a sentence: `brew coffee`. */
export function findTask(message: string): string | undefined {
  const line = message.slice(0, MAX_READ_LENGTH).replaceAll(/[‘’]/g, "'").replaceAll(/\s+/g, ' ');
  const asked = howTo.exec(line)?.[1];
  if (asked !== undefined) return tidy(asked);
  const [, recipe, noun] = nounAsked.exec(line) ?? [];
  const named = noun === undefined ? undefined : tidy(noun);
  return named === undefined ? undefined : `${recipe === undefined ? 'prepare for' : 'cook'} ${named}`;
}

/** A phrase as the demo says it back: one clause, a few words, and `my` turned into `your`. */
export function tidy(phrase: string): string | undefined {
  const clause = phrase
    .split(/[.?!;:](?:\s|$)|["“”]/)[0]
    ?.replace(/(?:[\s,]+(?:please|thanks|thank you|in \w+ (?:easy |simple |short )?steps|step by step))+\s*$/i, '')
    .trim();
  if (!clause) return undefined;
  const words = clause.split(' ').slice(0, MAX_TASK_WORDS).map(turnAround);
  let task = words
    .join(' ')
    .slice(0, MAX_TASK_LENGTH)
    .trim()
    .replace(/[,–-]+$/, '');
  task = task.replace(/(?: (?:and|or|but|with|for|of|in|on|at|to|the|a|an|from|by|then|so))+$/i, '');
  return /[\p{L}\p{N}]/u.test(task) ? task : undefined;
}

const turned: Readonly<Record<string, string>> = {
  i: 'you',
  me: 'you',
  my: 'your',
  mine: 'yours',
  myself: 'yourself',
  we: 'you',
  us: 'you',
  our: 'your',
  "i'm": "you're",
  am: 'are',
};

function turnAround(word: string): string {
  return turned[word.toLowerCase()] ?? word;
}

const particle = /^(?:up|out|off|down|on|together|away|back|over|rid)$/i;
const boundary =
  /^(?:for|with|without|in|on|at|to|from|by|using|when|while|and|or|so|that|before|after|as|into|if|than|over)$/i;

export interface Task {
  /** `brew` */
  readonly verb: string;
  /** What it is done to, as a sentence names it again: `the coffee`; `it` where nothing is named. */
  readonly thing: string;
}

export function parseTask(task: string): Task {
  const words = task.split(' ');
  const verbLength = words[1] !== undefined && particle.test(words[1]) ? 2 : 1;
  const rest = words.slice(verbLength);
  const end = rest.findIndex((word, index) => index > 0 && boundary.test(word));
  const object = (end === -1 ? rest : rest.slice(0, end)).join(' ').replace(/,$/, '');
  return { verb: words.slice(0, verbLength).join(' '), thing: withArticle(object) };
}

function withArticle(object: string): string {
  if (object === '' || boundary.test(object.split(' ')[0] ?? '')) return 'it';
  const counted = object.replace(/^(?:an?|some|any|more|another) /i, 'the ');
  if (counted !== object) return counted;
  return standsAlone.test(object) ? object : `the ${object}`;
}

/** Begins with a name, a number or a word that needs no article, or is a pronoun. */
const standsAlone =
  /^(?:\p{Lu}|\d|(?:the|your|his|her|their|its|this|that|these|those) |(?:it|them|him|her|you|yourself|this|that|something)$)/u;
