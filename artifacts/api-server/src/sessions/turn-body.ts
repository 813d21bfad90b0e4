/** A turn's body: what was said of it, what that means, and by what it is known again. */
import { createHash } from 'node:crypto';

import type { RequestLimits, TurnRequest } from '@timmy-tower/contract';

/** With everything that was left out. */
export interface WholeTurn {
  readonly content: string;
  readonly maxOutputTokens: number;
  readonly history: RequestLimits['history'];
}

export function withDefaults({ content, maxOutputTokens, history }: TurnRequest, limits: RequestLimits): WholeTurn {
  return {
    content,
    maxOutputTokens: maxOutputTokens ?? limits.maxOutputTokens,
    history: {
      maxMessages: history?.maxMessages ?? limits.history.maxMessages,
      tokenBudget: history?.tokenBudget ?? limits.history.tokenBudget,
      recallTokens: history?.recallTokens ?? limits.history.recallTokens,
    },
  };
}

/** Of what was said, whatever this server's defaults are today. Layout and the order of the fields make no other body of it. */
export const hashSaid = ({ content, maxOutputTokens, history }: TurnRequest): Buffer =>
  hash([
    content,
    maxOutputTokens ?? null,
    history?.maxMessages ?? null,
    history?.tokenBudget ?? null,
    ...(history?.recallTokens === undefined ? [] : [history.recallTokens]),
  ]);

/**
 * Of what it means today, as version 0.2.0 knows a body again: a default that is spelled out makes no other body either.
 * Versions before 0.4.0 knew of no recall: what has the default is theirs.
 */
export const hashMeant = ({ content, maxOutputTokens, history }: WholeTurn, limits: RequestLimits): Buffer =>
  hash([
    content,
    maxOutputTokens,
    history.maxMessages,
    history.tokenBudget,
    ...(history.recallTokens === limits.history.recallTokens ? [] : [history.recallTokens]),
  ]);

const hash = (said: readonly unknown[]) => createHash('sha256').update(JSON.stringify(said)).digest();
