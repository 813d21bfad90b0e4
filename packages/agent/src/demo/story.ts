/** Long replies on request: something to watch arrive, and to cancel. */
import { capitalise } from './plan.ts';
import { MAX_READ_LENGTH, tidy } from './topic.ts';

const MAX_COUNT = 500;

/** The long reply that a message asks for, if it asks for one. */
export function longReply(message: string): string | undefined {
  const line = message.slice(0, MAX_READ_LENGTH).replaceAll(/\s+/g, ' ');
  const count = /\bcount (?:from (?:1|one) )?(?:up )?to (\d{1,6})\b/i.exec(line)?.[1];
  if (count !== undefined) return countTo(Math.min(Number(count), MAX_COUNT));
  if (!/\b(?:story|essay|long (?:text|reply|answer|poem))\b/i.test(line)) return undefined;
  const topic = /\babout (.+)/i.exec(line)?.[1];
  return story((topic && tidy(topic)) ?? 'a patient lighthouse keeper');
}

function countTo(last: number): string {
  return `${Array.from({ length: last }, (_, index) => index + 1).join(', ')}.`;
}

function story(topic: string): string {
  return [
    `This is a story about ${topic}.`,
    'It begins on a grey morning, in a town so small that its only clock was the church bell, and the bell was always late.',
    `Nobody there had given much thought to ${topic}, and that was the trouble.`,
    'On the first day a letter came without a stamp. On the second day the wind turned. On the third day everyone gathered in the square and talked at once, and nobody listened.',
    `“We should ask about ${topic},” said the youngest of them at last, and it grew so quiet that the gulls could be heard.`,
    'So they set out together: up the hill, past the mill, along the river and through the wood where the paths change places at night. They lost their way twice, and found it again both times by going back to the last thing they were sure of.',
    'When they came home the bell rang, and for once it was on time. The letter had been answered, the wind had turned back, and they had learned to remember what was said before.',
    `${capitalise(topic)} was never forgotten there again, and whoever asks today is told the whole of it, from the beginning, in the order in which it happened.`,
    'That is the end of the story.',
  ].join('\n\n');
}
