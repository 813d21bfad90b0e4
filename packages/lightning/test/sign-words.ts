import { createHash } from 'node:crypto';

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bech32 } from '@scure/base';

import { wordsToPaddedBytes } from '../src/bolt11-fields.ts';

/** Signs any words at all as an invoice, for tests of what a reader must refuse. */
export function signWords(prefix: string, words: readonly number[], nodeKey: Uint8Array): string {
  const digest = createHash('sha256').update(prefix).update(wordsToPaddedBytes(words)).digest();
  const [recoveryId = 0, ...signature] = secp256k1.sign(digest, nodeKey, { prehash: false, format: 'recovered' });
  return bech32.encode(prefix, [...words, ...bech32.toWords(Uint8Array.from([...signature, recoveryId]))], false);
}
