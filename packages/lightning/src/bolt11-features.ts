import { invalidInvoice } from './invalid-invoice.ts';

const VAR_ONION_OPTIN = 8;
const PAYMENT_SECRET = 14;
const BASIC_MPP = 16;
const ROUTE_BLINDING = 24;
const PAYMENT_METADATA = 48;

/** The features that BOLT 9 lists for invoices, by their even (compulsory) bit; the odd bit beside it means optional. */
const knownFeatures = new Set([VAR_ONION_OPTIN, PAYMENT_SECRET, BASIC_MPP, ROUTE_BLINDING, PAYMENT_METADATA]);

const BITS_PER_WORD = 5;

/** An invoice with a payment secret must set that feature, and with it the one it stands on (BOLT 11, "Feature Bits"). */
export const paymentSecretFeatures: readonly number[] = featureWords([VAR_ONION_OPTIN, PAYMENT_SECRET]);

/**
 * Refuses what a payer must not pay: a compulsory feature that it does not know, or one without the feature it needs.
 * Unknown optional (odd) bits are ignored. BOLT 11, requirements of "Tagged Fields" and "Feature Bits".
 * @param words the `9` field, most significant word first
 * @throws {AppError} `invalid-request`
 */
export function checkFeatures(words: readonly number[]): void {
  const bits = new Set(featureBits(words));
  for (const bit of bits) {
    if (bit % 2 === 0 && !knownFeatures.has(bit)) throw invalidInvoice(`it demands feature ${bit}, which is not known`);
  }
  const has = (feature: number) => bits.has(feature) || bits.has(feature + 1);
  if (has(BASIC_MPP) && !has(PAYMENT_SECRET)) {
    throw invalidInvoice('it offers payment in parts without the payment secret that this needs');
  }
}

function featureWords(bits: readonly number[]): number[] {
  const length = Math.floor(Math.max(...bits) / BITS_PER_WORD) + 1;
  return Array.from({ length }, (_, index) => {
    const lowest = (length - 1 - index) * BITS_PER_WORD;
    return bits
      .filter((bit) => bit >= lowest && bit < lowest + BITS_PER_WORD)
      .reduce((word, bit) => word | (1 << (bit - lowest)), 0);
  });
}

function featureBits(words: readonly number[]): number[] {
  return words
    .toReversed()
    .flatMap((word, index) =>
      [0, 1, 2, 3, 4].filter((bit) => ((word >> bit) & 1) === 1).map((bit) => index * BITS_PER_WORD + bit),
    );
}
