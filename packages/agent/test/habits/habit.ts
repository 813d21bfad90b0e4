/** A provider's habit: what it sends, and what a reply is made of it. A new habit is one more row of one of the tables. */
import type { ErrorCode } from '@timmy-tower/contract';

import type { ReportedUsage } from '../../src/usage.ts';
import type { Protocol } from '../protocols/protocol.ts';

export interface Habit {
  readonly name: string;
  /** The kinds that have it: all, unless told. */
  readonly kinds?: readonly Protocol['kind'][];
  readonly sends: (protocol: Protocol) => Sent;
  readonly gives: Outcome;
}

/** What is sent: with status 200 as an event stream, closed at its end, unless told. */
export type Sent = string | readonly Step[] | Answer;

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

/** Bytes, or what happens between and after them. */
export type Step = string | Uint8Array | { readonly pauseMs: number } | typeof reset | typeof staysOpen;

export const reset = { last: 'reset' } as const;
/** Nothing more, and no end. */
export const staysOpen = { last: 'stays open' } as const;

export interface GoodReply {
  readonly text: string;
  readonly reasoning?: string;
  readonly finish?: 'stop' | 'length';
  /** What was reported; nothing unless told. */
  readonly usage?: ReportedUsage;
}

export interface FailedReply {
  readonly fails: ErrorCode;
  /** What the log is told. */
  readonly cause?: string;
  readonly text?: string;
  readonly reasoning?: string;
  readonly usage?: ReportedUsage;
  readonly retryAfterSeconds?: number;
}

export type Outcome = GoodReply | FailedReply;

/** Usage as it is sent and as it is read. */
export const sentUsage = { input: 321, output: 12 } as const;
export const readUsage = { inputTokens: 321, outputTokens: 12 } as const;

export const chat = ['openai-compatible'] as const;
export const messages = ['anthropic'] as const;
export const responses = ['openai'] as const;
/** Those whose finish is not their end mark. */
export const withMark = ['openai-compatible', 'anthropic'] as const;
