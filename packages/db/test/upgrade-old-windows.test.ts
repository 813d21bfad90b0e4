/** What turns are shown on a server of version 0.3.0 and on one of today, beside each other: each has its own rule. */
import { expect, test } from 'vitest';

import { findRequest, heuristicTokens, releaseTurn, reserveTurn, settleTurn } from '../src/index.ts';
import { endOf, newTurn, reserved, say } from './fixtures.ts';
import { database, old, session, useOldServer } from './use-old-server.ts';

useOldServer();

const LONG = 'many words '.repeat(200);

const sumOf = (contents: readonly string[]) => contents.reduce((sum, content) => sum + heuristicTokens(content), 0);

const messagesOf = (contents: readonly string[]) => contents.map((content) => ({ content }));

async function talk(said: readonly string[]): Promise<void> {
  for (let place = 0; place < said.length; place += 2) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await say(database, session, said[place]!, said[place + 1]!);
  }
}

test.each([
  {
    what: 'the turn before the last is too long',
    said: ['first?', LONG, 'last?', 'last!'],
    bounds: { maxMessages: 8, tokenBudget: 300 },
    onOld: ['last?', 'last!'],
    onNew: { history: ['first?', LONG, 'last?', 'last!'], clipTokens: 296 },
  },
  {
    what: 'the last reply is too long',
    said: ['first?', 'first!', 'last?', LONG],
    bounds: { maxMessages: 8, tokenBudget: 300 },
    onOld: [],
    onNew: { history: ['last?', LONG], clipTokens: 300 },
  },
  {
    what: 'the last question is too long: no history begins with its reply',
    said: ['first?', 'first!', LONG, 'last!'],
    bounds: { maxMessages: 8, tokenBudget: 300 },
    onOld: [],
    onNew: { history: [LONG, 'last!'], clipTokens: 300 },
  },
  {
    what: 'there is room for one message',
    said: ['first?', 'first!', 'last?', 'last!'],
    bounds: { maxMessages: 1, tokenBudget: 300 },
    onOld: [],
    onNew: { history: ['last?', 'last!'], clipTokens: undefined },
  },
  {
    what: 'there is room for a turn and a half',
    said: ['first?', 'first!', 'last?', 'last!'],
    bounds: { maxMessages: 3, tokenBudget: 300 },
    onOld: ['last?', 'last!'],
    onNew: { history: ['last?', 'last!'], clipTokens: undefined },
  },
])('where $what, each server shows what it always did', async ({ said, bounds, onOld, onNew }) => {
  await talk(said);
  const oldTurn = await old.reserve(session, bounds);
  expect(oldTurn.answer).toMatchObject({
    outcome: 'reserved',
    history: messagesOf(onOld),
    history_messages: onOld.length,
    history_tokens: sumOf(onOld),
    history_dropped: said.length - onOld.length,
  });
  await old.release(oldTurn);

  const newerTurn = await reserved(database, session, { history: bounds });
  expect(newerTurn.answer).toMatchObject({ history: messagesOf(onNew.history), clipTokens: onNew.clipTokens });
  await releaseTurn(database, newerTurn);
});

test('an old server’s turn, settled, was shown what it was let in with: nothing was recalled, and nothing clipped', async () => {
  await talk(['first?', 'first!', 'last?', 'last!']);
  const turn = await old.reserve(session, { maxMessages: 2 });
  expect(await old.settle(turn)).toBeDefined();
  const shown = { messages: 2, tokens: sumOf(['last?', 'last!']), dropped: 2, recalled: 0, clipped: false };
  expect(await findRequest(database, turn)).toMatchObject({ state: 'completed', shown });
});

test('a new server’s turn is looked up on an old server, whatever was recalled and clipped for it', async () => {
  await talk(['first?', LONG, 'last?', 'last!']);
  const turn = newTurn(session, { history: { maxMessages: 8, tokenBudget: 300, recallTokens: 50 } });
  expect(await reserveTurn(database, turn)).toMatchObject({ outcome: 'reserved', shown: { clipped: true } });
  expect(await old.findRequest(turn)).toMatchObject([{ 5: 'running', 15: 4, 17: 0, 25: null }]);
  const shown = { messages: 3, tokens: 280, dropped: 1, recalled: 1, clipped: true };
  await settleTurn(database, endOf(turn, { shown }));
  expect(await old.findRequest(turn)).toMatchObject([
    { 0: turn.requestId, 5: 'completed', 13: '30', 15: 3, 16: 280, 17: 1, 25: 'an answer' },
  ]);
});
