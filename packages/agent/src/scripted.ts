import { orAbort } from './abort.ts';
import type { Agent, AgentHealth, ReplyEvent, ReplyOptions } from './agent.ts';
import type { Prompt } from './prompt.ts';
import type { ReportedUsage } from './usage.ts';

/** A piece of a reply: text, a thought, a sign of life, or a gate: the reply goes on when it resolves, and fails when it rejects. */
export type ScriptedDelta = string | { readonly reasoning: string } | { readonly alive: true } | PromiseLike<unknown>;

/** One reply, in the order of its fields: what is said, then how it ends. */
export interface ScriptedStep {
  readonly deltas?: readonly ScriptedDelta[];
  /** After the deltas, what it reports to have used; nothing unless told. */
  readonly usage?: ReportedUsage;
  /** Then say nothing more until the signal is aborted. */
  readonly hang?: boolean;
  /** Or throw this. */
  readonly error?: Error;
  /** How the reply ends otherwise; `stop` unless told. */
  readonly finish?: 'stop' | 'length';
  /** Carry on though the signal is aborted, as an agent with a bug would. A step that also hangs never ends. */
  readonly ignoreSignal?: boolean;
}

export type ScriptedTurn = ScriptedStep | ((prompt: Prompt, options: ReplyOptions) => ScriptedStep);

export interface ScriptedCall {
  readonly prompt: Prompt;
  readonly options: ReplyOptions;
}

export interface ScriptedAgent extends Agent {
  /** What it was asked, in order. */
  readonly calls: readonly ScriptedCall[];
}

export interface ScriptedAgentOptions {
  readonly model?: string;
  readonly overheadTokens?: number;
  readonly reasons?: boolean;
  readonly health?: AgentHealth;
}

/**
 * An agent for tests: each turn takes the script's next step; a function in place of the list answers every turn.
 * Its replies throw:
 * @throws {RangeError} at a turn beyond the end of the script
 */
export function createScriptedAgent(
  script: readonly ScriptedTurn[] | Extract<ScriptedTurn, (...parameters: never) => unknown>,
  { model = 'scripted', overheadTokens = 0, reasons = false, health = { status: 'ok' } }: ScriptedAgentOptions = {},
): ScriptedAgent {
  const calls: ScriptedCall[] = [];

  async function* reply(prompt: Prompt, options: ReplyOptions): AsyncGenerator<ReplyEvent> {
    const turn = typeof script === 'function' ? script : script[calls.length];
    calls.push({ prompt, options });
    if (turn === undefined) throw new RangeError(`the script has no turn ${calls.length}`);
    const step = typeof turn === 'function' ? turn(prompt, options) : turn;
    const signal = step.ignoreSignal === true ? new AbortController().signal : options.signal;
    for (const delta of step.deltas ?? []) {
      signal.throwIfAborted();
      const event = eventOf(delta);
      if (event === undefined) await orAbort(Promise.resolve(delta), signal);
      else yield event;
    }
    if (step.usage !== undefined) yield { type: 'usage', usage: step.usage };
    if (step.hang === true) await orAbort(new Promise<never>(() => {}), signal);
    signal.throwIfAborted();
    if (step.error !== undefined) throw step.error;
    yield { type: 'end', finish: step.finish ?? 'stop' };
  }

  return { model, overheadTokens, reasons: () => reasons, health: () => health, calls, reply };
}

/** undefined for a gate */
function eventOf(delta: ScriptedDelta): ReplyEvent | undefined {
  if (typeof delta === 'string') return { type: 'text', text: delta };
  if ('reasoning' in delta) return { type: 'reasoning', text: delta.reasoning };
  return 'alive' in delta ? { type: 'alive' } : undefined;
}
