/** Why a provider did not answer, as far as it may be told: never in its own words, which may quote the prompt or the key. */
import { AppError, type ErrorCode } from '@timmy-tower/contract';

/**
 * `busy`: later. `out-of-order`: not before the operator has acted. `refused`: never, as it was asked. `broken`: it failed this
 * once.
 */
export type FailureKind = 'busy' | 'out-of-order' | 'refused' | 'broken';

export interface FailureFacts {
  readonly status?: number | undefined;
  /** The provider's short code, or ours. */
  readonly code?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

export class ProviderFailure extends Error {
  override readonly name = 'ProviderFailure';
  readonly kind: FailureKind;
  /** As callers are told it. */
  readonly code: ErrorCode;
  readonly facts: FailureFacts;

  constructor(kind: FailureKind, facts: FailureFacts) {
    super(describe(facts));
    this.kind = kind;
    this.code = meanings[kind].code;
    this.facts = facts;
  }
}

function describe({ status, code }: FailureFacts): string {
  const parts = [status === undefined ? undefined : `HTTP ${status}`, code];
  return parts.filter((part) => part !== undefined).join(' ') || 'no reason given';
}

const DEFAULT_RETRY_SECONDS = 5;

const meanings: Record<FailureKind, { readonly code: ErrorCode; readonly message: string }> = {
  busy: { code: 'agent-busy', message: 'The model is busy. Try again a little later.' },
  'out-of-order': {
    code: 'agent-unavailable',
    message: 'The model is out of order. Only the operator can mend that: trying again soon will not help.',
  },
  refused: {
    code: 'agent-refused',
    message: 'The model refuses this request. Say it in another way, or show it less history.',
  },
  broken: { code: 'agent-failed', message: 'The model failed. Try again in a moment.' },
};

/** The failure as callers are told it. Its cause is for the log: a status and a short code. */
export function toAppError(failure: ProviderFailure): AppError {
  const { code, message } = meanings[failure.kind];
  const retryAfterSeconds = Math.max(failure.facts.retryAfterSeconds ?? DEFAULT_RETRY_SECONDS, 1);
  const fields = failure.kind === 'busy' ? { retryAfterSeconds } : {};
  return new AppError(code, message, { fields, cause: new Error(failure.message) });
}
