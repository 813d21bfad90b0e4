import { bech32 } from '@scure/base';

import { invalidInvoice } from './invalid-invoice.ts';

/** The tagged fields that are written or read here, by type. BOLT 11, "Tagged Fields". */
export const fieldType = {
  paymentHash: 1,
  features: 5,
  expiry: 6,
  description: 13,
  paymentSecret: 16,
  nodeId: 19,
  minFinalCltv: 24,
} as const;

export type FieldType = (typeof fieldType)[keyof typeof fieldType];

/** A field of one of these types and of another length is skipped (BOLT 11, a reader's requirements). */
const fixedLengths = new Map<number, number>([
  [fieldType.paymentHash, 52],
  [fieldType.paymentSecret, 52],
  [fieldType.nodeId, 53],
]);

const HEADER_WORDS = 3;

/** A tagged field as 5-bit words: type, length in two words, data. */
export function writeField(type: FieldType, data: readonly number[]): number[] {
  return [type, ...integerToWords(data.length, 2), ...data];
}

/**
 * The first usable field of each type: BOLT 11 has writers put the preferred one first.
 * @throws {AppError} `invalid-request` when a field reaches past the end
 */
export function readFields(words: readonly number[]): ReadonlyMap<number, readonly number[]> {
  const fields = new Map<number, readonly number[]>();
  for (let at = 0; at < words.length;) {
    const [type, ...length] = words.slice(at, at + HEADER_WORDS);
    const start = at + HEADER_WORDS;
    const end = start + wordsToInteger(length);
    if (type === undefined || end > words.length) throw invalidInvoice('a field of it is cut short');
    const usable = end - start === (fixedLengths.get(type) ?? end - start);
    if (usable && !fields.has(type)) fields.set(type, words.slice(start, end));
    at = end;
  }
  return fields;
}

/**
 * The bytes of a field.
 * @throws {AppError} `invalid-request` when the bits that fill its last word are not zero
 */
export function wordsToBytes(words: readonly number[]): Uint8Array {
  const bytes = bech32.fromWordsUnsafe([...words]);
  if (bytes === undefined) throw invalidInvoice('a field of it is not padded with zeros');
  return bytes;
}

/** The bytes that are signed: zero bits fill the last one up (BOLT 11, "Data Part"). */
export function wordsToPaddedBytes(words: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  let pending = 0;
  let pendingBits = 0;
  for (const word of words) {
    pending = ((pending << 5) | word) & 0xfff;
    pendingBits += 5;
    if (pendingBits < 8) continue;
    pendingBits -= 8;
    bytes.push((pending >> pendingBits) & 0xff);
  }
  if (pendingBits > 0) bytes.push((pending << (8 - pendingBits)) & 0xff);
  return Uint8Array.from(bytes);
}

/** A number in big-endian 5-bit words: in as few as it needs, or in exactly `length`. */
export function integerToWords(integer: number, length?: number): number[] {
  const words: number[] = [];
  for (let rest = integer; rest > 0; rest = Math.floor(rest / 32)) words.unshift(rest % 32);
  return length === undefined ? words : [...Array.from({ length: length - words.length }, () => 0), ...words];
}

/** @throws {AppError} `invalid-request` beyond 50 bits */
export function wordsToInteger(words: readonly number[]): number {
  const first = words.findIndex((word) => word !== 0);
  if (first >= 0 && words.length - first > 10) throw invalidInvoice('a number in it is too large');
  return words.reduce((integer, word) => integer * 32 + word, 0);
}
