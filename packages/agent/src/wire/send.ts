/** Asks a provider, and once more where that may help. */
import { setTimeout as delay } from 'node:timers/promises';

import { Agent, fetch, type Response } from 'undici';

import { orAbort } from '../abort.ts';
import { codeOf, refusalOf } from './provider-error.ts';
import { ProviderFailure } from './provider-failure.ts';
import type { ProviderRequest } from './request.ts';
import { readRetryAfter } from './retry-after.ts';

export type Send = (request: ProviderRequest, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>;

const RETRY_MS = 1000;
/** Whoever is to come back later than this is not waited for. */
const MOST_RETRY_MS = 2000;
const REFUSAL_LENGTH = 64 * 1024;
const REFUSAL_MS = 2000;

/** Errors of Node and undici that last until somebody changes the address, the network or the certificate. */
const LASTING =
  /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPROTO|ERR_INVALID_URL|UND_ERR_CONNECT_TIMEOUT|HTTPParserError|ERR_TLS|ERR_SSL|UNABLE_TO|.*CERT)/;

/** @returns what answers a request with its body @throws {ProviderFailure} when there is none */
export function createSender(): Send {
  // Node's own fetch gives up after five minutes of silence: how long to wait is a setting of ours.
  const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  const ask = async ({ url, headers, body }: ProviderRequest, signal: AbortSignal) => {
    const options = { method: 'POST', headers, body, signal, dispatcher, redirect: 'manual' } as const;
    const response = await fetch(url, options).catch((error: unknown) => {
      throw connectionFailure(error);
    });
    if (!response.ok) throw await readRefusal(response);
    if (response.body === null) throw new ProviderFailure('broken', { status: response.status, code: 'no_body' });
    return response.body;
  };
  return async (request, signal) => {
    try {
      return await ask(request, signal);
    } catch (error) {
      const waitMs = retryWaitMs(error);
      if (waitMs === undefined) throw error;
      await delay(waitMs, undefined, { signal });
      return ask(request, signal);
    }
  };
}

/** Where no answer came at all. */
function connectionFailure(error: unknown): ProviderFailure {
  const code = codeOf(error);
  return new ProviderFailure(code !== undefined && LASTING.test(code) ? 'out-of-order' : 'broken', { code });
}

async function readRefusal(response: Response): Promise<ProviderFailure> {
  // An error whose body does not end is an error all the same.
  const body = await orAbort(readBeginning(response), AbortSignal.timeout(REFUSAL_MS)).catch(() => '');
  response.body?.cancel().catch(() => {});
  return refusalOf(response.status, body, readRetryAfter(response.headers));
}

async function readBeginning({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > REFUSAL_LENGTH) break;
  }
  return text;
}

/** How long to wait for the second try; undefined where it would be in vain. */
function retryWaitMs(error: unknown): number | undefined {
  if (!(error instanceof ProviderFailure)) return undefined;
  const { kind, facts } = error;
  if (kind !== 'busy' && kind !== 'broken') return undefined;
  const waitMs = (facts.retryAfterSeconds ?? RETRY_MS / 1000) * 1000;
  return waitMs <= MOST_RETRY_MS ? waitMs : undefined;
}
