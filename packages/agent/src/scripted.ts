import { orAbort } from './abort.ts';
import type { Agent, Prompt, ReplyEvent, ReplyOptions, Usage } from './agent.ts';
import { estimateUsage } from './tokens.ts';

/** One reply, in the order of its fields: what is said, then how it ends. */
export interface ScriptedStep {
  /** The reply's text events. A promise among them is a gate: the reply goes on when it resolves, and fails when it rejects. */
  readonly deltas?: readonly (string | PromiseLike<unknown>)[];
  /** After the deltas, say nothing more until the signal is aborted. */
  readonly hang?: boolean;
  /** After the deltas, throw this. */
  readonly error?: Error;
  /** How the reply ends otherwise; `stop` unless told. */
  readonly finish?: 'stop' | 'length';
  /** Our own count unless told. */
  readonly usage?: Usage;
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
}

/**
 * An agent for tests: each turn takes the script's next step; a function in place of the list answers every turn.
 * A turn beyond the end of the script throws.
 */
export function createScriptedAgent(
  script: readonly ScriptedTurn[] | Extract<ScriptedTurn, (...parameters: never) => unknown>,
  { model = 'scripted', overheadTokens = 0 }: ScriptedAgentOptions = {},
): ScriptedAgent {
  const calls: ScriptedCall[] = [];

  async function* reply(prompt: Prompt, options: ReplyOptions): AsyncGenerator<ReplyEvent> {
    const turn = typeof script === 'function' ? script : script[calls.length];
    calls.push({ prompt, options });
    if (turn === undefined) throw new Error(`the script has no turn ${calls.length}`);
    const step = typeof turn === 'function' ? turn(prompt, options) : turn;
    const signal = step.ignoreSignal === true ? new AbortController().signal : options.signal;
    let text = '';
    for (const delta of step.deltas ?? []) {
      signal.throwIfAborted();
      if (typeof delta === 'string') {
        text += delta;
        yield { type: 'text', text: delta };
      } else {
        await orAbort(Promise.resolve(delta), signal);
      }
    }
    if (step.hang === true) await orAbort(new Promise<never>(() => {}), signal);
    signal.throwIfAborted();
    if (step.error !== undefined) throw step.error;
    const usage = step.usage ?? estimateUsage({ prompt, overheadTokens, reply: text });
    yield { type: 'end', finish: step.finish ?? 'stop', usage };
  }

  return { model, overheadTokens, calls, reply };
}
