import { AppError, type LedgerPage, type LedgerQuery, msatToJson } from '@timmy-tower/contract';
import { type LedgerEntry, listLedgerPage } from '@timmy-tower/db';

import type { Deps } from '../deps.ts';

/** One page of what a session's balance went through. @throws {AppError} `invalid-request` when `after` is no entry of it */
export async function readLedger({ db }: Deps, sessionId: string, query: LedgerQuery): Promise<LedgerPage> {
  const page = await listLedgerPage(db, { sessionId, ...query });
  if (!page) {
    const message = 'is no entry of this session’s ledger: start again without it';
    throw new AppError('invalid-request', `after ${message}.`, { fields: { errors: [{ path: 'after', message }] } });
  }
  return { entries: page.entries.map(toEntry), hasMore: page.hasMore };
}

const toEntry = ({
  id,
  kind,
  amountMsat,
  sessionRequestId,
  createdAt,
}: LedgerEntry): LedgerPage['entries'][number] => ({
  id,
  kind,
  amountMsat: msatToJson(amountMsat),
  requestId: sessionRequestId,
  createdAt: createdAt.toISOString(),
});
