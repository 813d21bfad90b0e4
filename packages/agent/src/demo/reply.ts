/** What the demo agent says: decided by the message and the conversation in view, by nothing else. */
import { inView, type Prompt } from '../prompt.ts';
import { condense } from './condense.ts';
import { findLastList, headOf, type ListItem, type NumberedList } from './list.ts';
import { planFor, subjectOf } from './plan.ts';
import { longReply } from './story.ts';
import { findTask, MAX_READ_LENGTH } from './topic.ts';

const NOTHING_TO_SHORTEN = 'There is nothing to shorten yet. Ask me how to do something first: “How do I brew coffee?”';
const AS_SHORT_AS_IT_GETS = 'I cannot make that any shorter.';
const NOTHING_TO_EXPLAIN =
  'There are no steps to explain yet. Ask me how to do something first: “How do I brew coffee?”';
const NOTHING_ASKED = 'This is the first thing I hear from you: there is nothing before it in view.';
const ABOUT_THE_DEMO =
  'I am a demo agent: I work offline and know very little, but I remember what was said. ' +
  'Ask me “How do I brew coffee?”, then say “explain step 2”, “make it shorter” or “what did I ask first?”.';

const MAX_QUOTE_LENGTH = 200;

type Intent = (message: string, prompt: Prompt) => string | undefined;

const intents: readonly Intent[] = [quoteMessage, shorten, explainStep, plan, longReply, askWhichStep];

/** The demo's reply to a prompt: always the same for the same prompt. */
export function demoReply(prompt: Prompt): string {
  const message = prompt.message.slice(0, MAX_READ_LENGTH).replaceAll(/[‘’]/g, "'").replaceAll(/\s+/g, ' ').trim();
  for (const intent of intents) {
    const reply = intent(message, prompt);
    if (reply !== undefined) return reply;
  }
  return ABOUT_THE_DEMO;
}

const askedFirst =
  /\bwhat (?:did|was|were|have) .*\b(?:first|earliest|at the (?:start|beginning))\b|\bmy (?:very )?first (?:question|message)\b/i;
const askedLast =
  /\bwhat did i (?:just |last )(?:ask|say)|\bwhat did i (?:ask|say) (?:you )?(?:last|before|just now)\b|\bmy (?:last|previous) (?:question|message)\b/i;

function quoteMessage(message: string, prompt: Prompt): string | undefined {
  const isFirst = askedFirst.test(message);
  if (!isFirst && !askedLast.test(message)) return undefined;
  const asked = inView(prompt).filter(({ role }) => role === 'user');
  const quoted = isFirst ? asked[0] : asked.at(-1);
  if (quoted === undefined) return NOTHING_ASKED;
  return `The ${isFirst ? 'first' : 'last'} thing you asked, of what I can still see, was: ${quote(quoted.content)}`;
}

const asksForLess =
  /\b(?:(?:make|keep|say|write|put) (?:it|that|this|them) (?:\w+ ){0,2}(?:shorter|briefer|brief|short|concise)|shorten|shorter|briefer|more concise|(?:that's|that is|it's|it is|^)too long|condense|summari[sz]e|summary|tl;? ?dr|in (?:short|brief|one (?:sentence|line)|fewer words))\b/i;

function shorten(message: string, prompt: Prompt): string | undefined {
  if (!asksForLess.test(message) || asksAboutSomethingElse(message)) return undefined;
  const previous = inView(prompt).findLast(({ role, content }) => role === 'assistant' && !isAboutShortening(content));
  if (previous === undefined) return NOTHING_TO_SHORTEN;
  return condense(previous.content) ?? `${AS_SHORT_AS_IT_GETS} It already says only this: ${quote(previous.content)}`;
}

/** “How do I make my trousers shorter?” is a question of its own; “How do I make it shorter?” is not. */
function asksAboutSomethingElse(message: string): boolean {
  const task = findTask(message);
  return task !== undefined && !/\b(?:it|that|this)\b/i.test(task);
}

/** The demo's own excuses are not what someone wants shortened. */
function isAboutShortening(content: string): boolean {
  return content.startsWith(AS_SHORT_AS_IT_GETS) || content === NOTHING_TO_SHORTEN || content === NOTHING_TO_EXPLAIN;
}

const ordinals = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth'];
const cardinals = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
const stepNumbered = new RegExp(
  String.raw`\b(?:step|point|item|number) ?(?:number |no\.? ?|#)?(\d{1,9}|${cardinals.join('|')})\b`,
  'i',
);
const stepInOrder = new RegExp(String.raw`\b(last|${ordinals.join('|')}) (?:step|point|item|one)\b`, 'i');

function explainStep(message: string, prompt: Prompt): string | undefined {
  const word = (stepNumbered.exec(message) ?? stepInOrder.exec(message))?.[1]?.toLowerCase();
  if (word === undefined) return undefined;
  const list = findLastList(inView(prompt));
  if (list === undefined) return NOTHING_TO_EXPLAIN;
  const number = word === 'last' ? list.items.length : numberOf(word);
  const item = list.items[number - 1];
  return item === undefined ? noSuchStep(number, list) : expand(item, list);
}

function numberOf(word: string): number {
  const index = Math.max(cardinals.indexOf(word), ordinals.indexOf(word));
  return index === -1 ? Number(word) : index + 1;
}

function noSuchStep(number: number, { items }: NumberedList): string {
  return `There is no step ${number}: the list in view has ${items.length} steps. Try “explain step ${items.length}”.`;
}

function expand(item: ListItem, { title, items }: NumberedList): string {
  const [before, after] = [items[item.number - 2], items[item.number]];
  const subject = subjectOf(title);
  const aim = subject === '' ? '' : ` of ${quote(subject)}`;
  return [
    `Step ${item.number}${aim} says ${quote(item.text.replace(/[.:]$/, ''))}.`,
    before === undefined
      ? 'It comes first because everything after it leans on it.'
      : `It builds on step ${before.number} (${quote(headOf(before))}), so finish that one before you begin.`,
    `Do it on its own, without hurry, and look at the result before you call it done.`,
    after === undefined
      ? 'It is the last step: when it is done, so are you.'
      : `You are ready for step ${after.number} (${quote(headOf(after))}) once nothing about this one is left open.`,
  ].join(' ');
}

function plan(message: string): string | undefined {
  const task = findTask(message);
  return task === undefined ? undefined : planFor(task);
}

function askWhichStep(message: string, prompt: Prompt): string | undefined {
  if (!/^(?:please |can you |could you )*(?:explain|elaborate|tell me more|say more|go on)\b/i.test(message))
    return undefined;
  const list = findLastList(inView(prompt));
  if (list === undefined) return NOTHING_TO_EXPLAIN;
  return `Which step? The list in view has ${list.items.length}: say “explain step 2”, for example.`;
}

function quote(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim().replaceAll('“', '‘').replaceAll('”', '’');
  return line.length > MAX_QUOTE_LENGTH ? `“${line.slice(0, MAX_QUOTE_LENGTH).trimEnd()}…”` : `“${line}”`;
}
