import { expect, test } from 'vitest';

import { keepSession, keptSessions, parseSessions, readDraft, sessionIdOf, updateKept, writeDraft } from './keyring.ts';

const keyOf = (letter: string) => `tt_${letter.repeat(64)}`;
const entry = (letter: string) => ({
  id: sessionIdOf(keyOf(letter))!,
  key: keyOf(letter),
  title: 'Coffee',
  balanceMsat: 5000,
  peakMsat: 9000,
  usedAt: '2026-11-24T12:00:00.000Z',
});

test('what was stored is read again', () => {
  const all = [entry('A'), entry('B')];
  expect(parseSessions(JSON.stringify(all))).toEqual(all);
});

test.each([
  ['an entry without a balance', JSON.stringify([entry('A'), { ...entry('B'), balanceMsat: undefined }])],
  ['an entry with a time that is none', JSON.stringify([entry('A'), { ...entry('B'), usedAt: 'x' }])],
  ['an entry under another id', JSON.stringify([entry('A'), { ...entry('B'), id: entry('A').id }])],
  ['a list that breaks off', JSON.stringify([entry('A'), entry('B')]).slice(0, -20)],
  ['something that is no list', JSON.stringify({ first: entry('A'), second: entry('B') })],
])('%s costs no key', (_, text) => {
  const read = parseSessions(text);
  expect(read.map(({ id, key }) => [id, key])).toEqual(['A', 'B'].map((letter) => [entry(letter).id, keyOf(letter)]));
  expect(read.every(({ usedAt }) => !Number.isNaN(Date.parse(usedAt)))).toBe(true);
});

test.each(['', 'null', '7', '{', '[null, 1, "x"]'])('%j is no session', (text) => {
  expect(parseSessions(text)).toEqual([]);
});

test('without a storage the tab remembers', () => {
  expect(globalThis.localStorage).toBeUndefined();
  for (const letter of ['A', 'B']) keepSession(entry(letter).id, keyOf(letter));
  updateKept(entry('A').id, { title: 'Tea', balanceMsat: 1000 });
  writeDraft(entry('A').id, 'half a th');
  expect(keptSessions.get().map(({ title }) => title)).toEqual(['', 'Tea']);
  expect(readDraft(entry('A').id)).toBe('half a th');
});
