/** The end marks of those that send chat completions of their own making: by a word, by an event's name, by a field. */
import { type JsonObject, listOf } from './json.ts';
import { finished, type WireEvent } from './wire-event.ts';

const END = '(?:done|end|ended|complete|completed|finish|finished|stop|stopped|eos|eof)';
const WORD = new RegExp(`^"?(?:done|\\[${END}\\])"?$`, 'i');
const NAME = new RegExp(`^\\[?(?:(?:stream|message|chat|response)[-_.]?)?${END}\\]?$`, 'i');

/** Whether a text that is no JSON object, or the name of its event, is an end mark. */
export function isEndMark(name: string | undefined, text: string): boolean {
  return WORD.test(text) || NAME.test(name ?? '');
}

/** The end that an event is, besides what it says: with the reason, which may be that it failed. */
export function endIn(name: string | undefined, event: JsonObject): WireEvent[] {
  if (!isEnd(name, event)) return [];
  const words = [event['reason'], event['finish_reason'], event['done_reason'], event['status']];
  return [...(words.map(finished).find((each) => each.length > 0) ?? []), { type: 'done' }];
}

function isEnd(name: string | undefined, { type, event, done, choices }: JsonObject): boolean {
  if (done === true || NAME.test(name ?? '')) return true;
  return listOf(choices).length === 0 && [type, event].some((each) => typeof each === 'string' && NAME.test(each));
}
