/** Values that fit a JSON Schema, values that miss it by one thing, and texts that only look like such values. */
import fc, { type Arbitrary } from 'fast-check';

import { type Json, resolve, type Schema, type Schemas, typesOf } from './json-schema.ts';

export interface Vocabulary {
  readonly schemas: Schemas;
  /** Values for fields and parameters of these names, which no schema could lead to: an id that is there, a real invoice. */
  readonly known?: Readonly<Record<string, Arbitrary<Json>>>;
  /** Mixed into what is said. */
  readonly word: string;
}

const LONG = 40;
const MOST = Number.MAX_SAFE_INTEGER;

/** Fits the schema. */
export function fitting(given: Schema, vocabulary: Vocabulary): Arbitrary<Json> {
  const schema = resolve(given, vocabulary.schemas);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.oneOf) return fc.oneof(...schema.oneOf.map((choice) => fitting(choice, vocabulary)));
  return fc.oneof(...typesOf(schema).map((type) => fittingType(type, schema, vocabulary)));
}

function fittingType(type: string, schema: Schema, vocabulary: Vocabulary): Arbitrary<Json> {
  const { minimum, exclusiveMinimum, maximum = MOST, items } = schema;
  const min = minimum ?? (exclusiveMinimum === undefined ? -MOST : exclusiveMinimum + 1);
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.oneof(fc.integer({ min, max: maximum }), fc.constantFrom(min, maximum));
    case 'number':
      return fc.oneof(fc.integer({ min, max: maximum }), fc.double({ noNaN: true, noDefaultInfinity: true }));
    case 'string':
      return fittingText(schema, vocabulary.word);
    case 'array':
      return fc.array(fitting(items ?? { type: 'null' }, vocabulary), { maxLength: 3 });
    case 'object':
      return fittingObject(schema, vocabulary);
    default:
      throw new Error(`the tests do not know the type ${type}`);
  }
}

function fittingText(
  { pattern, format, minLength = 0, maxLength = Infinity }: Schema,
  word: string,
): Arbitrary<string> {
  if (format === 'uuid') return fc.uuid();
  if (format === 'date-time')
    return fc
      .date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31') })
      .map((date) => date.toISOString());
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern, 'u'));
  const some = fc.string({ unit: 'binary', minLength, maxLength: Math.min(maxLength, minLength + LONG) });
  return fc.oneof(
    some.map((text) => text.replaceAll('\0', '0')),
    fc.constant(word),
    fc.constant('\u{1F3F0}'.repeat(Math.min(maxLength, 255) >> 1)),
  );
}

function fittingObject(schema: Schema, vocabulary: Vocabulary): Arbitrary<Json> {
  const { properties = {}, required = [] } = schema;
  const model = Object.entries(properties).map(([name, inner]) => [name, named(name, inner, vocabulary)] as const);
  return fc.record(Object.fromEntries(model), { requiredKeys: [...required] });
}

/** Fits, and for a name that is known is mostly one of the values that lead somewhere. */
export function named(name: string, schema: Schema, vocabulary: Vocabulary): Arbitrary<Json> {
  const known = vocabulary.known?.[name];
  const any = fitting(schema, vocabulary);
  return known ? fc.oneof({ weight: 4, arbitrary: known }, { weight: 1, arbitrary: any }) : any;
}

const ofAnyType: Arbitrary<Json> = fc.constantFrom<Json[]>(null, true, 0, -1, 1.5, 1e308, '', '1', 'null', [], {}, [
  [],
]);

/** Misses the schema by one thing, somewhere. (Now and then what was changed fits all the same.) */
export function missing(given: Schema, vocabulary: Vocabulary): Arbitrary<Json> {
  const schema = resolve(given, vocabulary.schemas);
  const types = typesOf(schema);
  const near = types.includes('object') ? missingObject(schema, vocabulary) : fc.constantFrom(...missingValues(schema));
  return fc.oneof({ weight: 3, arbitrary: near }, { weight: 1, arbitrary: ofAnyType });
}

function missingValues({
  enum: choices = [],
  minimum = 0,
  maximum = MOST,
  minLength = 0,
  maxLength = 99,
}: Schema): Json[] {
  return [
    ...choices.filter((choice) => choice !== null).flatMap((choice) => [`${choice} `, choice.toUpperCase()]),
    minimum - 1,
    minimum - 0.5,
    maximum + 1,
    MOST + 1,
    -0,
    1e21,
    'x'.repeat(Math.max(0, minLength - 1)),
    'x'.repeat(maxLength + 1),
    '\u{1F3F0}'.repeat(maxLength),
    '\0',
    '\ud83c',
    '\udff0\ud83c',
    '\ufeff',
    ' ',
    'a\u202eb',
    '\r\n',
    '../',
    '%00',
    '0'.repeat(36),
  ];
}

function missingObject(schema: Schema, vocabulary: Vocabulary): Arbitrary<Json> {
  const { properties = {}, required = [] } = schema;
  const whole = fittingObject(schema, vocabulary);
  const change = (name: string, value: Arbitrary<Json>) =>
    fc.tuple(whole, value).map(([object, other]) => ({ ...Object(object), [name]: other }));
  const extra = fc.constantFrom('extra', '', 'constructor', 'toString', 'a.b', '\0', '\ud83c', 'x'.repeat(300));
  return fc.oneof(
    ...Object.entries(properties).map(([name, inner]) => change(name, missing(inner, vocabulary))),
    ...required.map((name) =>
      whole.map((object) => Object.fromEntries(Object.entries(Object(object)).filter(([other]) => other !== name))),
    ),
    extra.chain((name) => change(name, ofAnyType)),
  );
}

/** Text that was valid JSON, or nearly, before something was done to it. */
export function hostileText(body: Arbitrary<Json>): Arbitrary<string | Uint8Array<ArrayBuffer>> {
  const spoil = fc.constantFrom<Array<(text: string, n: number) => string | Uint8Array<ArrayBuffer>>>(
    (text, n) => text.slice(0, n % (text.length + 1)),
    (text, n) => text.slice(0, n % text.length) + String.fromCharCode(n % 256) + text.slice((n % text.length) + 1),
    (text) => text.replace('{', '{"__proto__":{"isAdmin":true},'),
    (text) => text.replace('{', '{"constructor":{"prototype":{"isAdmin":true}},'),
    (text) => text.replace(/^\{("[^"]*":)/, '{$1null,$1'),
    (text) => text.replace(/"([^"]*)"$|"([^"]*)"\}$/, '"\\ud83c"}'),
    (text) => text.replace(/:"/, ':"\\u0000'),
    (text) => text.replace(/:\d+/, ':1e999'),
    (text) => text.replace(/:\d+/, `:${'9'.repeat(400)}`),
    (text) => `\ufeff${text}`,
    (text) => `${text}${text}`,
    (text) => `${text.replace(/\}$/, '')},}`,
    (text) => text + ' '.repeat(600_000),
    (text) => text.replace(/:[^,}]*/, `:"${'\\u2603'.repeat(90_000)}"`),
    (text) => text.replace(/:[^,}]*/, `:${'['.repeat(200_000)}${']'.repeat(200_000)}`),
    (text) => text.replace(/:[^,}]*/, `:${'{"a":'.repeat(60_000)}1${'}'.repeat(60_000)}`),
    (text) => text.replace('{', `{${Array.from({ length: 20_000 }, (_, n) => `"k${n}":${n}`).join(',')},`),
    (text) => new Uint8Array(Buffer.from(text, 'utf16le')),
    (text, n) => new Uint8Array(Buffer.from(text).map((byte, at) => (at === n % text.length ? byte ^ 0x80 : byte))),
    () => '',
  );
  const anything = fc.json({ maxDepth: 6 });
  return fc.oneof(
    { weight: 4, arbitrary: fc.tuple(body, spoil, fc.nat()).map(([json, how, n]) => how(JSON.stringify(json), n)) },
    { weight: 1, arbitrary: anything },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => new Uint8Array(bytes)) },
  );
}
