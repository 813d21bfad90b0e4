/** Reads LoCoMo's dialogues (`data/locomo10.zip` of the public repository snap-research/locomo: a JSON file for each). */
import { readFile } from 'node:fs/promises';

import { heuristicTokens } from '@timmy-tower/db/history';
import type { RecallableMessage } from '@timmy-tower/memory';

export interface Dialogue {
  readonly messages: readonly RecallableMessage[];
  readonly questions: readonly Question[];
}

export interface Question {
  readonly text: string;
  /** Indexes of the messages that hold the answer. */
  readonly evidence: readonly number[];
}

/** Said to the user as it is. */
export class UnreadableDialogueError extends Error {}

interface Line {
  readonly dia_id: string;
  readonly speaker: string;
  readonly text: string;
  readonly blip_caption?: string;
}

/** @throws {UnreadableDialogueError} when it is no file, no JSON, or no dialogue of LoCoMo's */
export async function readDialogue(file: string): Promise<Dialogue> {
  const content = await parse(file);
  const user = isRecord(content) ? content['speaker_a'] : undefined;
  if (!isRecord(content) || typeof user !== 'string' || !Array.isArray(content['qa'])) {
    throw new UnreadableDialogueError(
      `${file} is no dialogue of LoCoMo's: it lacks speaker_a or qa. Unpack data/locomo10.zip of snap-research/locomo, and ` +
        'name the files in it.',
    );
  }
  const lines = linesOf(content);
  if (lines.length === 0)
    throw new UnreadableDialogueError(`${file} has no messages in session_1, session_2 and so on.`);
  const places = new Map(lines.map(({ dia_id }, index) => [dia_id, index]));
  return {
    messages: lines.map((line, index) => toMessage(line, { user, index })),
    questions: content['qa'].flatMap((asked: unknown) => toQuestion(asked, places)),
  };
}

async function parse(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new UnreadableDialogueError(`${file} is no JSON.`, { cause: error });
    const code = error instanceof Error && 'code' in error ? error.code : error;
    throw new UnreadableDialogueError(`${file} cannot be read (${String(code)}).`, { cause: error });
  }
}

/** All sessions in order; some are announced by a date and have no messages. */
function linesOf(content: Record<string, unknown>): Line[] {
  const numbers = Object.keys(content).flatMap((name) => /^session_(\d+)$/.exec(name)?.[1] ?? []);
  const inOrder = numbers.map(Number).toSorted((a, b) => a - b);
  return inOrder.flatMap((number) => {
    const session = content[`session_${number}`];
    return Array.isArray(session) ? session.filter(isLine) : [];
  });
}

/** A picture is what its caption says; no names and no dates. A message an hour, which decides nothing. */
function toMessage(line: Line, { user, index }: { readonly user: string; readonly index: number }): RecallableMessage {
  const content = line.blip_caption === undefined ? line.text : `${line.text} [shares ${line.blip_caption}]`;
  const tokenCount = heuristicTokens(content);
  return {
    role: line.speaker === user ? 'user' : 'assistant',
    content,
    tokenCount,
    promptTokens: tokenCount,
    createdAt: new Date(Date.UTC(2026, 0, 1, index)),
  };
}

/** Questions whose evidence is not among the messages are left out. Some name two places in one text. */
function toQuestion(asked: unknown, places: ReadonlyMap<string, number>): Question[] {
  if (!isRecord(asked) || typeof asked['question'] !== 'string' || !Array.isArray(asked['evidence'])) return [];
  const names = asked['evidence'].flatMap((name: unknown) => String(name).match(/D\d+:\d+/g) ?? []);
  const evidence = [...new Set(names.flatMap((name) => places.get(name) ?? []))];
  return evidence.length === 0 ? [] : [{ text: asked['question'], evidence }];
}

function isLine(value: unknown): value is Line {
  if (!isRecord(value)) return false;
  return ['dia_id', 'speaker', 'text'].every((name) => typeof value[name] === 'string');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
