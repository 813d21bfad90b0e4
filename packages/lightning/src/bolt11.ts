/**
 * Invoices as BOLT 11 writes them (https://github.com/lightning/bolts/blob/master/11-payment-encoding.md).
 * Nothing is taken from an invoice whose checksum or signature does not hold.
 */
import { createHash } from 'node:crypto';

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bech32 } from '@scure/base';
import { type Msat, satsToMsat } from '@timmy-tower/contract';

import { formatAmount, parseAmount } from './bolt11-amount.ts';
import { checkFeatures, paymentSecretFeatures } from './bolt11-features.ts';
import {
  fieldType,
  integerToWords,
  readFields,
  wordsToBytes,
  wordsToInteger,
  wordsToPaddedBytes,
  writeField,
} from './bolt11-fields.ts';
import { invalidInvoice } from './invalid-invoice.ts';

/** The network whose coins are worth nothing, as invoices name it: they begin with `lnbcrt`. */
export const REGTEST = 'bcrt';

/** The longest description that fits into a field: 1023 words of 5 bits. */
export const MAX_DESCRIPTION_BYTES = 639;

/** BOLT 11 sets no limit. Real invoices stay below a third of this, and it bounds the work that hostile text causes. */
const MAX_INVOICE_LENGTH = 7089;

const DEFAULT_EXPIRY_SECONDS = 3600;
const DEFAULT_MIN_FINAL_CLTV = 18;
const TIMESTAMP_WORDS = 7;
const SIGNATURE_WORDS = 104;
const MAX_TIMESTAMP = 2 ** 35 - 1;
const MAX_DATE_MS = 8.64e15;

export interface RegtestInvoice {
  readonly amountSats: number;
  /** 64 hex digits. */
  readonly paymentHash: string;
  /** 64 hex digits. */
  readonly paymentSecret: string;
  /** Cut to `MAX_DESCRIPTION_BYTES` of UTF-8, between two characters. */
  readonly description: string;
  readonly expirySeconds: number;
  readonly minFinalCltv?: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

export interface DecodedInvoice {
  /** What follows `ln`: `bc` for bitcoin, `tb` testnet, `bcrt` regtest, … */
  readonly network: string;
  /** Undefined when the payer may choose. */
  readonly amountMsat: Msat | undefined;
  /** 64 lower-case hex digits, as all hex here is lower case. */
  readonly paymentHash: string;
  readonly paymentSecret: string | undefined;
  /** Undefined when the invoice has only the hash of one. Whoever made the invoice chose this text. */
  readonly description: string | undefined;
  readonly expirySeconds: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
  /** The compressed public key that signed, 66 hex digits. */
  readonly nodeId: string;
}

/**
 * Writes and signs an invoice for regtest.
 * @throws {RangeError} when a value cannot be written
 */
export function encodeInvoice(invoice: RegtestInvoice, nodeKey: Uint8Array): string {
  const prefix = `ln${REGTEST}${formatAmount(satsToMsat(invoice.amountSats))}`;
  const words = [
    ...integerToWords(checkInteger('timestamp', invoice.timestamp, MAX_TIMESTAMP), TIMESTAMP_WORDS),
    ...writeField(fieldType.paymentHash, hashToWords(invoice.paymentHash)),
    ...writeField(fieldType.paymentSecret, hashToWords(invoice.paymentSecret)),
    ...writeField(fieldType.description, bech32.toWords(truncateDescription(invoice.description))),
    ...writeField(fieldType.expiry, integerToWords(checkInteger('expirySeconds', invoice.expirySeconds))),
    ...writeField(
      fieldType.minFinalCltv,
      integerToWords(checkInteger('minFinalCltv', invoice.minFinalCltv ?? DEFAULT_MIN_FINAL_CLTV)),
    ),
    ...writeField(fieldType.features, paymentSecretFeatures),
  ];
  const [recoveryId = 0, ...signature] = secp256k1.sign(signedDigest(prefix, words), nodeKey, {
    prehash: false,
    format: 'recovered',
  });
  return bech32.encode(prefix, [...words, ...bech32.toWords(Uint8Array.from([...signature, recoveryId]))], false);
}

/**
 * Reads an invoice of any network, after checking its checksum and its signature.
 * Fields that are unknown, or not of the length they should have, are skipped, as BOLT 11 asks of readers.
 * Without an `n` field the signature *names* its key: compare `nodeId` with the one you expect.
 * @throws {AppError} `invalid-request`, saying what does not fit
 */
export function decodeInvoice(bolt11: string): DecodedInvoice {
  const { prefix, words } = decodeBech32(bolt11);
  const [, network, amount] = /^ln([a-z]+)(\d.*)?$/.exec(prefix) ?? [];
  if (network === undefined) throw invalidInvoice('it does not begin with "ln" and the name of a network');
  if (words.length < TIMESTAMP_WORDS + SIGNATURE_WORDS) throw invalidInvoice('it is too short');

  const signedWords = words.slice(0, -SIGNATURE_WORDS);
  const fields = readFields(signedWords.slice(TIMESTAMP_WORDS));
  const bytesOf = (type: number) => {
    const field = fields.get(type);
    return field && wordsToBytes(field);
  };
  const paymentHash = bytesOf(fieldType.paymentHash);
  if (paymentHash === undefined) throw invalidInvoice('it has no payment hash');
  const paymentSecret = bytesOf(fieldType.paymentSecret);
  const description = bytesOf(fieldType.description);
  const expiry = fields.get(fieldType.expiry);
  checkFeatures(fields.get(fieldType.features) ?? []);

  return {
    network,
    amountMsat: amount === undefined ? undefined : parseAmount(amount),
    paymentHash: toHex(paymentHash),
    paymentSecret: paymentSecret && toHex(paymentSecret),
    description: description && decodeUtf8(description),
    expirySeconds: expiry ? wordsToInteger(expiry) : DEFAULT_EXPIRY_SECONDS,
    timestamp: wordsToInteger(signedWords.slice(0, TIMESTAMP_WORDS)),
    nodeId: verifySignature(
      signedDigest(prefix, signedWords),
      wordsToBytes(words.slice(-SIGNATURE_WORDS)),
      bytesOf(fieldType.nodeId),
    ),
  };
}

/** The moment after which an invoice should no longer be paid. */
export function invoiceExpiresAt(invoice: Pick<DecodedInvoice, 'timestamp' | 'expirySeconds'>): Date {
  return new Date(Math.min((invoice.timestamp + invoice.expirySeconds) * 1000, MAX_DATE_MS));
}

function decodeBech32(text: string): { prefix: string; words: number[] } {
  if (text.length > MAX_INVOICE_LENGTH) throw invalidInvoice('it is too long');
  if (!/^ln/i.test(text)) throw invalidInvoice('it does not begin with "ln"');
  // Before anything changes case: the Kelvin sign's lower case is a plain k.
  if (!/^[a-zA-Z0-9]+$/.test(text)) throw invalidInvoice('it has characters other than letters and digits');
  if (text !== text.toLowerCase() && text !== text.toUpperCase()) throw invalidInvoice('it mixes upper and lower case');
  const decoded = bech32.decodeUnsafe(text, false);
  if (decoded === undefined) throw invalidInvoice('its checksum does not fit, so a character is wrong or missing');
  return decoded;
}

/** @returns the id of the node that signed; `nodeId` is the one that the invoice itself names, if it does */
function verifySignature(digest: Uint8Array, signature: Uint8Array, nodeId: Uint8Array | undefined): string {
  const compact = signature.subarray(0, 64);
  const recoveryId = signature[64] ?? 0;
  if (recoveryId > 3) throw invalidInvoice('its signature is malformed');
  try {
    if (nodeId === undefined) {
      const recoverable = Uint8Array.from([recoveryId, ...compact]);
      return toHex(secp256k1.recoverPublicKey(recoverable, digest, { prehash: false }));
    }
    if (secp256k1.verify(compact, digest, nodeId, { prehash: false })) return toHex(nodeId);
  } catch (cause) {
    throw invalidInvoice('its signature belongs to no key', cause);
  }
  throw invalidInvoice('its signature is not by the node that it names');
}

function signedDigest(prefix: string, words: readonly number[]): Uint8Array {
  return createHash('sha256').update(prefix).update(wordsToPaddedBytes(words)).digest();
}

function truncateDescription(description: string): Uint8Array {
  const bytes = new Uint8Array(MAX_DESCRIPTION_BYTES);
  const { written } = new TextEncoder().encodeInto(description, bytes);
  return bytes.subarray(0, written);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalidInvoice('its description is not UTF-8', cause);
  }
}

function hashToWords(hex: string): number[] {
  if (!/^[0-9a-f]{64}$/i.test(hex)) throw new RangeError('A payment hash or secret is 64 hex digits');
  return bech32.toWords(Buffer.from(hex, 'hex'));
}

function checkInteger(name: string, value: number, max = 2 ** 50 - 1): number {
  if (!Number.isInteger(value) || value < 1 || value > max) throw new RangeError(`${name} cannot be ${value}`);
  return value;
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
