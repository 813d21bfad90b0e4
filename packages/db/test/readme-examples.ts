/** The examples of this package's README. */
import { readFile } from 'node:fs/promises';

/** By the name above each: `<!-- main.ts -->`. */
export async function readExamples(): Promise<Record<string, string>> {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const blocks = readme.matchAll(/<!-- (\S+\.ts) -->\n\n```ts\n(.*?)```/gs);
  return Object.fromEntries([...blocks].map(([, name, text]) => [name!, text!]));
}

/** What the example of the history alone prints. */
export const HISTORY_SAYS = ['user: How do I brew coffee?', 'assistant: 1. Grind. 2. Pour. 3. Wait.', '2 false'];
