import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bech32 } from '@scure/base';
import { AppError, satsToMsat } from '@timmy-tower/contract';
import * as oracle from 'bolt11';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { signWords } from '../test/sign-words.ts';
import { decodeInvoice, encodeInvoice, invoiceExpiresAt, MAX_DESCRIPTION_BYTES, REGTEST } from './bolt11.ts';

const nodeKey = Buffer.alloc(32, 7);
const nodeId = Buffer.from(secp256k1.getPublicKey(nodeKey)).toString('hex');

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const text = fc.string({ unit: 'binary', maxLength: 150 });
const invoices = fc.record({
  amountSats: fc.oneof(fc.integer({ min: 1, max: 2_000_000 }), fc.integer({ min: 1, max: 21e14 })),
  paymentHash: bytes32,
  paymentSecret: bytes32,
  description: text,
  expirySeconds: fc.integer({ min: 1, max: 2 ** 31 }),
  minFinalCltv: fc.integer({ min: 1, max: 5000 }),
  timestamp: fc.integer({ min: 1, max: 2 ** 35 - 1 }),
});

const example = {
  amountSats: 1000,
  paymentHash: 'ab'.repeat(32),
  paymentSecret: 'cd'.repeat(32),
  description: 'Timmy',
  expirySeconds: 3600,
  timestamp: 1_795_000_000,
};
const exampleInvoice = encodeInvoice(example, nodeKey);

function encodeWithOracle(invoice: typeof example & { minFinalCltv: number }, key: Uint8Array): string | undefined {
  const unsigned = oracle.encode(
    {
      network: { bech32: REGTEST, pubKeyHash: 0x6f, scriptHash: 0xc4, validWitnessVersions: [0, 1] },
      millisatoshis: satsToMsat(invoice.amountSats).toString(),
      timestamp: invoice.timestamp,
      tags: [
        { tagName: 'payment_hash', data: invoice.paymentHash },
        { tagName: 'payment_secret', data: invoice.paymentSecret },
        { tagName: 'description', data: invoice.description },
        { tagName: 'expire_time', data: invoice.expirySeconds },
        { tagName: 'min_final_cltv_expiry', data: invoice.minFinalCltv },
        {
          tagName: 'feature_bits',
          data: { word_length: 3, var_onion_optin: { required: true }, payment_secret: { required: true } },
        },
      ],
    },
    false,
  );
  return oracle.sign(unsigned, Buffer.from(key)).paymentRequest;
}

function refusal(bolt11: string): unknown {
  try {
    return decodeInvoice(bolt11);
  } catch (error) {
    return error;
  }
}

const zeros = (length: number): number[] => Array.from({ length }, () => 0);
const hashField: readonly number[] = [1, 1, 20, ...zeros(52)];
const nodeIdField = (id: string): number[] => [19, 1, 21, ...bech32.toWords(Buffer.from(id, 'hex'))];
const featuresField = (bits: readonly number[]): number[] => {
  const words = zeros(20).map((_, index) =>
    bits.reduce((word, bit) => word | (Math.floor(bit / 5) === 19 - index ? 1 << (bit % 5) : 0), 0),
  );
  return [5, 0, 20, ...words];
};

function saying(message: string) {
  return { name: 'AppError', code: 'invalid-request', message: expect.stringContaining(message) };
}

describe('an invoice', () => {
  test('is byte for byte what the bolt11 package writes', () => {
    const keys = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((key) => secp256k1.utils.isValidSecretKey(key));
    fc.assert(
      fc.property(invoices, keys, (invoice, key) => {
        expect(encodeInvoice(invoice, key)).toBe(encodeWithOracle(invoice, key));
      }),
      { numRuns: 400 },
    );
  });

  test('decodes to what was encoded', () => {
    fc.assert(
      fc.property(invoices, fc.boolean(), ({ amountSats, minFinalCltv, ...invoice }, upperCase) => {
        const bolt11 = encodeInvoice({ amountSats, minFinalCltv, ...invoice }, nodeKey);
        expect(decodeInvoice(upperCase ? bolt11.toUpperCase() : bolt11)).toStrictEqual({
          ...invoice,
          description: invoice.description.toWellFormed(),
          network: 'bcrt',
          amountMsat: satsToMsat(amountSats),
          nodeId,
        });
      }),
    );
  });

  test('names the moment it expires, however far', () => {
    expect(invoiceExpiresAt({ timestamp: 1_795_000_000, expirySeconds: 60 })).toEqual(new Date(1_795_000_060_000));
    expect(invoiceExpiresAt({ timestamp: 0, expirySeconds: 2 ** 50 }).getTime()).toBe(8.64e15);
  });

  test('has a description cut between two characters when it is too long', () => {
    const description = `${'x'.repeat(MAX_DESCRIPTION_BYTES - 2)}漢字`;
    expect(decodeInvoice(encodeInvoice({ ...example, description }, nodeKey)).description).toBe(
      'x'.repeat(MAX_DESCRIPTION_BYTES - 2),
    );
    const full = '漢'.repeat(MAX_DESCRIPTION_BYTES / 3);
    expect(decodeInvoice(encodeInvoice({ ...example, description: `${full}字` }, nodeKey)).description).toBe(full);
  });

  test.each([
    { amountSats: 0 },
    { amountSats: -1 },
    { amountSats: 0.5 },
    { amountSats: 21e14 + 1 },
    { paymentHash: 'ab' },
    { paymentSecret: 'zz'.repeat(32) },
    { expirySeconds: 0 },
    { expirySeconds: 1.5 },
    { timestamp: 2 ** 35 },
    { minFinalCltv: Number.NaN },
  ])('is not written with %o', (fault) => {
    expect(() => encodeInvoice({ ...example, ...fault }, nodeKey)).toThrow(RangeError);
  });
});

describe('a damaged invoice', () => {
  test('is refused whichever character is changed', () => {
    const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l1bio';
    for (let at = 0; at < exampleInvoice.length; at += 1) {
      const other = alphabet[(alphabet.indexOf(exampleInvoice.charAt(at)) + 1 + (at % 30)) % alphabet.length];
      expect(refusal(exampleInvoice.slice(0, at) + other + exampleInvoice.slice(at + 1))).toBeInstanceOf(AppError);
    }
  });

  test('is refused whichever part of it is missing', () => {
    for (let length = 0; length < exampleInvoice.length; length += 1) {
      expect(refusal(exampleInvoice.slice(0, length))).toBeInstanceOf(AppError);
    }
  });

  test('is refused with a typed error, whatever it is', () => {
    const unexpected: Error[] = [];
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.string().map((tail) => `lnbcrt${tail}`),
      fc
        .array(fc.integer({ min: 0, max: 31 }), { maxLength: 300 })
        .map((words) => bech32.encode('lnbcrt10u', words, false)),
      fc.tuple(fc.nat(exampleInvoice.length), fc.string()).map(([at, junk]) => exampleInvoice.slice(0, at) + junk),
    );
    fc.assert(
      fc.property(hostile, (bolt11) => {
        const result = refusal(bolt11);
        // Random words can be an invoice: without an `n` field nearly any signature names some key.
        if (result instanceof Error && !(result instanceof AppError)) unexpected.push(result);
      }),
      { numRuns: 500 },
    );
    expect(unexpected).toEqual([]);
  });

  test('of any size is refused at once', () => {
    expect(refusal(`lnbcrt1${'q'.repeat(5_000_000)}`)).toMatchObject(saying('too long'));
    expect(refusal(`lnbcrt${'9'.repeat(7000)}1qqqqqq`)).toMatchObject(saying('checksum'));
  });

  test.each([
    ['', 'does not begin with "ln"'],
    ['lightning:lnbcrt1', 'does not begin with "ln"'],
    ['lnurl:lnbcrt1', 'letters and digits'],
    [exampleInvoice.toUpperCase().replace('K', '\u212A'), 'letters and digits'],
    [`${exampleInvoice}\n`, 'letters and digits'],
    [` ${exampleInvoice}`, 'does not begin with "ln"'],
    [exampleInvoice.replace('ln', 'LN'), 'mixes upper and lower case'],
  ])('like %j is refused with the reason', (bolt11, message) => {
    expect(refusal(bolt11)).toMatchObject(saying(message));
  });
});

describe('a well-signed invoice', () => {
  const signed = (fields: readonly number[], prefix = 'lnbcrt10u') =>
    signWords(prefix, [...zeros(7), ...fields], nodeKey);

  test('may name the node that signed it', () => {
    expect(decodeInvoice(signed([...hashField, ...nodeIdField(nodeId)])).nodeId).toBe(nodeId);
  });

  test('is refused when it names another node', () => {
    const other = Buffer.from(secp256k1.getPublicKey(Buffer.alloc(32, 8))).toString('hex');
    const noPoint = `02${'ff'.repeat(32)}`;
    expect(refusal(signed([...hashField, ...nodeIdField(other)]))).toMatchObject(saying('not by the node'));
    expect(refusal(signed([...hashField, ...nodeIdField(noPoint)]))).toMatchObject(saying('signature'));
  });

  test('gives the first of two fields of a type', () => {
    const second = [1, 1, 20, ...bech32.toWords(Buffer.alloc(32, 1))];
    expect(decodeInvoice(signed([...hashField, ...second])).paymentHash).toBe('00'.repeat(32));
  });

  test('may demand any feature that BOLT 9 lists for invoices, and offer ones that nobody knows', () => {
    const bits = [8, 14, 16, 24, 48, 61, 99];
    expect(decodeInvoice(signed([...hashField, ...featuresField(bits)])).paymentHash).toBe('00'.repeat(32));
  });

  test.each<[string, readonly number[], string?]>([
    ['has no payment hash', []],
    ['has no payment hash', [1, 1, 19, ...zeros(51)]],
    ['cut short', [...hashField, 13, 0, 5, 0]],
    ['cut short', [...hashField, 13]],
    ['padded with zeros', [1, 1, 20, ...zeros(51), 1]],
    ['not UTF-8', [...hashField, 13, 0, 2, 31, 28]],
    ['too large', [...hashField, 6, 0, 11, 1, ...zeros(10)]],
    ['demands feature 62', [...hashField, ...featuresField([62])]],
    ['parts without the payment secret', [...hashField, ...featuresField([17])]],
    ['leading zeros', hashField, 'lnbcrt010u'],
    ['positive', hashField, 'lnbcrt0u'],
    ['not one of m, u, n and p', hashField, 'lnbcrt10uu'],
    ['all the bitcoin', hashField, 'lnbcrt21000001'],
    ['positive', hashField, `lnbcrt${'9'.repeat(5000)}`],
    ['the name of a network', hashField, 'ln10u'],
  ])('is refused: %s, in %j %s', (message, fields, prefix) => {
    expect(refusal(signed(fields, prefix))).toMatchObject(saying(message));
  });

  test('has the expiry that BOLT 11 gives to those without one', () => {
    expect(decodeInvoice(signed(hashField, 'lnbcrt'))).toMatchObject({
      amountMsat: undefined,
      expirySeconds: 3600,
      description: undefined,
      paymentSecret: undefined,
    });
  });
});
