import type { ReplyEvent } from '../src/agent.ts';

export async function collect(events: AsyncIterable<ReplyEvent>): Promise<ReplyEvent[]> {
  const collected: ReplyEvent[] = [];
  for await (const event of events) collected.push(event);
  return collected;
}

/** A reply's text so far, and the error that ended it. */
export async function collectUntilError(events: AsyncIterable<ReplyEvent>): Promise<{ text: string; error: unknown }> {
  let text = '';
  try {
    for await (const event of events) {
      if (event.type === 'text') text += event.text;
    }
  } catch (error) {
    return { text, error };
  }
  throw new Error(`the reply ended well, with: ${text}`);
}
