/** `pnpm bench:recall FILE…`: how often recall finds what a question is about. docs/memory.md has the figures. */
import { parseArgs } from 'node:util';

import type { WindowBounds } from '@timmy-tower/memory';

import { type Evidence, measureEvidence } from './evidence.ts';
import { readDialogue, UnreadableDialogueError } from './locomo.ts';

const USAGE =
  'Name the files of LoCoMo’s dialogues: pnpm bench:recall FILE… They are in data/locomo10.zip of the public repository ' +
  'snap-research/locomo. There are no options.';

const SHOWN: readonly (WindowBounds & { readonly name: string })[] = [
  { name: 'the window alone: 8 messages', maxMessages: 8, tokenBudget: 4000, recallTokens: 0 },
  { name: '8 messages, at most 1,000 tokens recalled', maxMessages: 8, tokenBudget: 4000, recallTokens: 1000 },
  { name: '8 messages, at most 2,000 tokens recalled', maxMessages: 8, tokenBudget: 4000, recallTokens: 2000 },
];

async function main(): Promise<void> {
  const files = readArguments();
  if (files === undefined) return refuse(USAGE);
  const dialogues = await Promise.all(files.map(readDialogue));
  const messages = dialogues.reduce((sum, dialogue) => sum + dialogue.messages.length, 0);
  const asked = dialogues.reduce((sum, { questions }) => sum + questions.length, 0);
  if (asked === 0) return refuse('There is no question with evidence in these files.');
  console.log(`${dialogues.length} dialogues, ${messages} messages, ${asked} questions with evidence\n`);
  console.log(`${'shown'.padEnd(44)}${['any', 'all', 'tokens'].map((name) => name.padStart(9)).join('')}`);
  for (const { name, ...bounds } of SHOWN) console.log(describe(name, measureEvidence(dialogues, bounds)));
}

function readArguments(): string[] | undefined {
  try {
    const { positionals } = parseArgs({ allowPositionals: true, options: {} });
    return positionals.length > 0 ? positionals : undefined;
  } catch {
    return undefined;
  }
}

function describe(name: string, { any, all, tokens }: Evidence): string {
  const cells = [`${(100 * any).toFixed(1)} %`, `${(100 * all).toFixed(1)} %`, tokens.toFixed(0)];
  return name.padEnd(44) + cells.map((cell) => cell.padStart(9)).join('');
}

function refuse(sentence: string): void {
  console.error(sentence);
  process.exitCode = 1;
}

await main().catch((error: unknown) => {
  if (!(error instanceof UnreadableDialogueError)) throw error;
  refuse(error.message);
});
