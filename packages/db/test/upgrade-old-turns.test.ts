/** Turns of a server of version 0.2.0 on a database of today, beside those of a server of today. */
import { randomBytes } from 'node:crypto';

import { expect, test } from 'vitest';

import { findRequest, getSessionHistory, reserveTurn, settleTurn } from '../src/index.ts';
import { endOf, newTurn, readSession, say } from './fixtures.ts';
import { endAllTurns, OldServer } from './old-server.ts';
import { database, old, opened, session, useOldServer } from './use-old-server.ts';

useOldServer();

test('an old server’s turn takes its hold, is written and charged as one, and can be looked up', async () => {
  const turn = await old.reserve(session);
  expect(turn.answer).toMatchObject({
    outcome: 'reserved',
    request_id: turn.requestId,
    max_output_tokens: 100,
    history: [],
    history_messages: 0,
    history_tokens: 0,
    history_dropped: 0,
  });
  expect(await readSession(database, session.sessionId)).toMatchObject({ heldMsat: 125n });
  const settled = await old.settle(turn);
  expect(settled).toMatchObject({ charged_msat: '30', balance_msat: '9970', reply_id: expect.any(String) });
  expect(await old.settle(turn)).toEqual(settled); // its answer was lost, and it was sent again
  expect(await readSession(database, session.sessionId)).toMatchObject({
    balanceMsat: 9970n,
    heldMsat: 0n,
    messageCount: 2,
  });
  expect(await old.send('listLedger', session.sessionId)).toMatchObject([
    { kind: 'deposit', amount_msat: '10000', session_request_id: null },
    { kind: 'charge', amount_msat: '-30', session_request_id: turn.requestId, payment_hash: null },
  ]);
  expect(await old.findRequest(turn)).toMatchObject([
    { 0: turn.requestId, 4: 'completed', 8: 20, 9: 10, 10: 0, 12: '30', 13: '9970', 27: 'an answer', 32: '9970' },
  ]);
  expect(await findRequest(database, { ...session, requestId: turn.requestId })).toMatchObject({
    state: 'completed',
    chargedMsat: 30n,
    reply: { content: 'an answer' },
  });
});

test('an old server’s turn is shown what was said on either server, in order, within its window', async () => {
  await old.settle(await old.reserve(session), 'from the old one');
  await say(database, session, 'to the new one', 'from the new one');
  const turn = await old.reserve(session);
  expect(turn.answer).toMatchObject({
    history: [
      { role: 'user', content: 'a question' },
      { role: 'assistant', content: 'from the old one' },
      { role: 'user', content: 'to the new one' },
      { role: 'assistant', content: 'from the new one' },
    ],
    history_messages: 4,
    history_tokens: 15,
    history_dropped: 0,
  });
  await old.release(turn);
  const narrow = await old.reserve(session, { maxMessages: 3 });
  expect(narrow.answer).toMatchObject({ history_messages: 2, history_dropped: 2 }); // it never begins with the assistant
  await old.settle(narrow, 'the last');
  expect((await getSessionHistory(session.sessionId, 8, 4000, database)).map(({ content }) => content)).toEqual([
    'a question',
    'from the old one',
    'to the new one',
    'from the new one',
    'a question',
    'the last',
  ]);
});

test('an old server’s turn that was cancelled before a word is kept out of prompts, on either server', async () => {
  await old.settle(await old.reserve(session), '');
  expect(await readSession(database, session.sessionId)).toMatchObject({ balanceMsat: 9970n, messageCount: 2 });
  expect((await old.reserve(session)).answer).toMatchObject({ outcome: 'reserved', history: [], history_dropped: 2 });
  await endAllTurns(old, database);
  expect(await reserveTurn(database, newTurn(session))).toMatchObject({ outcome: 'reserved', history: [] });
  await endAllTurns(old, database);
});

test('an old server’s turn is refused as it was: no such key, not paid, too little left, another one running', async () => {
  expect((await old.reserve({ ...session, keyHash: randomBytes(32) })).answer).toMatchObject({ outcome: 'not-found' });
  expect((await old.reserve(await old.openSession())).answer).toMatchObject({ outcome: 'awaiting_payment' });
  const poor = await old.fundedSession(80n);
  expect((await old.reserve(poor)).answer).toMatchObject({
    outcome: 'insufficient',
    required_msat: '89',
    balance_msat: '80',
    held_msat: '0',
  });
  const onOld = await old.reserve(session);
  expect((await old.reserve(session)).answer).toMatchObject({ outcome: 'busy', request_id: onOld.requestId });
  expect(await reserveTurn(database, newTurn(session))).toEqual({ outcome: 'busy', requestId: onOld.requestId });
  await old.settle(onOld);
  const onNew = newTurn(session);
  await reserveTurn(database, onNew);
  expect((await old.reserve(session)).answer).toMatchObject({ outcome: 'busy', request_id: onNew.requestId });
  await settleTurn(database, endOf(onNew));
});

test('an old server’s turn gives the hold that is left when the balance is short', async () => {
  const short = await old.fundedSession(100n);
  expect((await old.reserve(short)).answer).toMatchObject({ outcome: 'reserved', max_output_tokens: 75 });
  await endAllTurns(old, database);
});

test('an old server’s turn is replayed by its key on either server, and refused with another body', async () => {
  const [bodyHash, otherHash] = [randomBytes(32), randomBytes(32)];
  const turn = await old.reserve(session, { key: 'k', bodyHash });
  expect((await old.reserve(session, { key: 'k', bodyHash })).answer).toMatchObject({
    outcome: 'busy',
    request_id: turn.requestId,
  });
  await old.settle(turn);
  const { requestId } = turn;
  expect((await old.reserve(session, { key: 'k', bodyHash })).answer).toMatchObject({
    outcome: 'replay',
    request_id: requestId,
  });
  expect((await old.reserve(session, { key: 'k', bodyHash: otherHash })).answer).toMatchObject({
    outcome: 'mismatch',
    request_id: requestId,
  });
  const onNew = (hash: Buffer) =>
    reserveTurn(database, newTurn(session, { idempotency: { key: 'k', bodyHash: hash, saidHash: randomBytes(32) } }));
  expect(await onNew(bodyHash)).toEqual({ outcome: 'replay', requestId });
  expect(await onNew(otherHash)).toEqual({ outcome: 'mismatch', requestId });
});

test('a new server’s turn is replayed by its key on an old server, which compares the body with its defaults', async () => {
  const [bodyHash, saidHash] = [randomBytes(32), randomBytes(32)];
  const turn = newTurn(session, { idempotency: { key: 'k', bodyHash, saidHash } });
  await reserveTurn(database, turn);
  await settleTurn(database, endOf(turn));
  const { requestId } = turn;
  expect((await old.reserve(session, { key: 'k', bodyHash })).answer).toMatchObject({
    outcome: 'replay',
    request_id: requestId,
  });
  const other = await old.reserve(session, { key: 'k', bodyHash: saidHash });
  expect(other.answer).toMatchObject({ outcome: 'mismatch', request_id: requestId });
});

test('an old server’s turn, sent again while it runs, is the same turn', async () => {
  const turn = await old.reserve(session);
  const { required_msat: _, ...answer } = turn.answer;
  expect((await old.reserve(session, turn)).answer).toMatchObject(answer);
  await old.settle(turn);
});

test('an old server’s turn is given back by its server, and by nobody else', async () => {
  const turn = await old.reserve(session);
  const another = await OldServer.open(opened.url);
  expect(await another.release(turn)).toBe(false);
  expect(await another.release(turn, null)).toBe(false);
  expect(await another.settle(turn)).toBeUndefined();
  await another.close();
  expect(await old.release(turn)).toBe(true);
  expect(await old.settle(turn)).toBeUndefined();
  expect(await readSession(database, session.sessionId)).toMatchObject({ balanceMsat: 10_000n, heldMsat: 0n });
});
