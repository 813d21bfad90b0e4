/** Turns of a server of version 0.3.0 on a database of today, beside those of a server of today. */
import { randomBytes } from 'node:crypto';

import { expect, test } from 'vitest';

import { findRequest, findRequestByKey, getSessionHistory, reserveTurn, settleTurn } from '../src/index.ts';
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
    { 0: turn.requestId, 5: 'completed', 9: 20, 10: 10, 11: 0, 13: '30', 14: '9970', 25: 'an answer', 33: '9970' },
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

/** By either hash of its body, and by nothing else. */
const bodies = () => {
  const said = { bodyHash: randomBytes(32), saidHash: randomBytes(32) };
  const other = { bodyHash: randomBytes(32), saidHash: randomBytes(32) };
  return {
    said,
    same: [said, { ...said, bodyHash: other.bodyHash }, { ...said, saidHash: other.saidHash }],
    other: [other, { bodyHash: said.saidHash, saidHash: said.bodyHash }],
  };
};

type Body = ReturnType<typeof bodies>['said'];
const askOld = async (body: Body) => (await old.reserve(session, { key: 'k', ...body })).answer;
const askNew = (body: Body) => reserveTurn(database, newTurn(session, { idempotency: { key: 'k', ...body } }));

test('an old server’s turn is replayed by its key on either server, and refused with another body', async () => {
  const { said, same, other } = bodies();
  const turn = await old.reserve(session, { key: 'k', ...said });
  const { requestId } = turn;
  expect(await askOld(said)).toMatchObject({ outcome: 'busy', request_id: requestId });
  await old.settle(turn);
  for (const body of same) {
    expect(await askOld(body)).toMatchObject({ outcome: 'replay', request_id: requestId });
    expect(await askNew(body)).toEqual({ outcome: 'replay', requestId });
  }
  for (const body of other) {
    expect(await askOld(body)).toMatchObject({ outcome: 'mismatch', request_id: requestId });
    expect(await askNew(body)).toEqual({ outcome: 'mismatch', requestId });
  }
  const { sessionId } = session;
  expect(await findRequestByKey(database, { sessionId, idempotencyKey: 'k' })).toMatchObject({
    id: requestId,
    ...said,
  });
});

test('a new server’s turn is replayed by its key on an old server, and refused with another body', async () => {
  const { said, same, other } = bodies();
  const turn = newTurn(session, { idempotency: { key: 'k', ...said } });
  await reserveTurn(database, turn);
  await settleTurn(database, endOf(turn));
  const { requestId } = turn;
  for (const body of same) expect(await askOld(body)).toMatchObject({ outcome: 'replay', request_id: requestId });
  for (const body of other) expect(await askOld(body)).toMatchObject({ outcome: 'mismatch', request_id: requestId });
  expect(await old.send('findRequestByKey', session.sessionId, 'k')).toEqual([
    { id: requestId, state: 'completed', body_hash: said.bodyHash, said_hash: said.saidHash },
  ]);
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
