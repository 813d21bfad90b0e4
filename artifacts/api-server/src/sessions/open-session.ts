import { randomUUID } from 'node:crypto';

import type { DepositRequest, SessionOpened } from '@timmy-tower/contract';
import { insertSession } from '@timmy-tower/db';

import type { Deps } from '../deps.ts';
import { toInvoice, toSession } from './answers.ts';
import { createInvoice } from './fund-session.ts';
import { createSessionKey, hashSessionKey } from './session-key.ts';

/**
 * Opens a session: its invoice first, so that a wallet that is down leaves nothing behind, then its rows.
 * @throws {AppError} `unavailable` when the wallet or the database is down
 */
export async function openSession(deps: Deps, { amountSats }: DepositRequest): Promise<SessionOpened> {
  const id = randomUUID();
  const key = createSessionKey(id);
  const newInvoice = await createInvoice(deps, amountSats);
  const session = await insertSession(deps.db, { id, keyHash: hashSessionKey(key), invoice: newInvoice });
  return { session: toSession(session, deps.sessionIdleDays), key, invoice: toInvoice(session.invoice!) };
}
