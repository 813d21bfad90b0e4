import { expect, test } from 'vitest';

import { MOST_UNPAID, MOST_UNPAID_OF_NETWORK, UnpaidReaders } from './unpaid-readers.ts';

function fill(readers: UnpaidReaders, count: number, networkOf: (n: number) => string): { network: string }[] {
  return Array.from({ length: count }, (_, n) => {
    const reader = { network: networkOf(n) };
    readers.admit(reader.network);
    readers.add(reader);
    return reader;
  });
}

test('one network has so many readers, and another has its own', () => {
  const readers = new UnpaidReaders();
  const [first] = fill(readers, MOST_UNPAID_OF_NETWORK, () => 'a');
  expect(() => readers.admit('a')).toThrow(/from this address/);
  readers.admit('b');
  readers.delete(first!);
  readers.delete(first!);
  fill(readers, 1, () => 'a');
  expect(() => readers.admit('a')).toThrow(/from this address/);
});

test('all networks together have so many', () => {
  const readers = new UnpaidReaders();
  const [first] = fill(readers, MOST_UNPAID, String);
  expect(() => readers.admit('one more')).toThrow(/on this server/);
  readers.delete(first!);
  readers.admit('one more');
});
