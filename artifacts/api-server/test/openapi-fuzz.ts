/** Requests made from the API's own document, and whether an answer is one that the document tells of. */
import fc, { type Arbitrary } from 'fast-check';

import { faultsOf, type Json, type Schema, type Schemas } from './json-schema.ts';
import { fitting, hostileText, missing, named, type Vocabulary } from './json-schema-arbitraries.ts';

export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
  readonly components: { readonly schemas: Schemas };
}

interface DocumentedOperation {
  readonly parameters?: ReadonlyArray<{ readonly name: string; readonly in: string; readonly schema: Schema }>;
  readonly security?: readonly unknown[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content; readonly 'x-event-stream'?: Schema }>>;
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

export interface Operation extends DocumentedOperation {
  readonly name: string;
  readonly method: string;
  readonly path: string;
}

export const operationsOf = ({ paths }: Document): Operation[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([lower, operation]) => {
      const method = lower.toUpperCase();
      return { ...operation, method, path, name: `${method} ${path}` };
    }),
  );

export interface FuzzedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

/** How near to the document a request is. */
export const manners = ['fitting', 'missing', 'hostile'] as const;
export type Manner = (typeof manners)[number];

/** A request to this operation, with this key where one is asked for. */
export function requestsTo(
  operation: Operation,
  { manner, vocabulary, key }: { manner: Manner; vocabulary: Vocabulary; key: string },
): Arbitrary<FuzzedRequest> {
  const { method, path, parameters = [], security, requestBody } = operation;
  const values = fc.record(
    Object.fromEntries(parameters.map(({ name, schema }) => [name, parameterOf(name, schema, manner, vocabulary)])),
    { requiredKeys: parameters.filter(({ in: place }) => place === 'path').map(({ name }) => name) },
  );
  const authorization = security ? authorizationOf(manner, key) : fc.constant(undefined);
  const schema = requestBody?.content['application/json']?.schema;
  const body = schema ? bodyOf(schema, manner, vocabulary) : fc.constant(undefined);
  const type = manner === 'hostile' ? fc.constantFrom(...contentTypes) : fc.constant('application/json');
  return fc.record({ values, authorization, body, type, accept: fc.constantFrom(...accepts) }).map((drawn) => {
    const at = (place: string) =>
      parameters.flatMap(({ name, in: where }) => {
        const value = where === place ? drawn.values[name] : undefined;
        return value === undefined ? [] : [[name, textOf(value)] satisfies [string, string]];
      });
    const query = new URLSearchParams(at('query')).toString();
    return {
      method,
      path: fillIn(path, at('path')) + (query && `?${query}`),
      headers: {
        ...(drawn.authorization === undefined ? {} : { authorization: drawn.authorization }),
        ...(drawn.body === undefined ? {} : { 'content-type': drawn.type }),
        ...Object.fromEntries(at('header').map(([name, value]) => [name, headerText(value)])),
        accept: drawn.accept,
      },
      ...(drawn.body === undefined ? {} : { body: drawn.body }),
    };
  });
}

const contentTypes = ['application/json', 'application/json', 'application/json; charset=utf-16', 'text/plain', 'x'];
const accepts = ['application/json', 'text/event-stream', '*/*', 'rubbish/;q'];

function parameterOf(name: string, schema: Schema, manner: Manner, vocabulary: Vocabulary): Arbitrary<Json> {
  const right = named(name, schema, vocabulary);
  if (manner === 'fitting') return right;
  const wrong = manner === 'missing' ? missing(schema, vocabulary) : fc.string({ unit: 'binary', maxLength: 60 });
  return fc.oneof(right, wrong);
}

function authorizationOf(manner: Manner, key: string): Arbitrary<string | undefined> {
  const right = fc.constant(`Bearer ${key}`);
  if (manner === 'fitting') return right;
  const near = fc.constantFrom(undefined, key, `Bearer ${key.slice(0, -1)}`, `Bearer ${key}A`, `Basic ${key}`);
  const any = fc.string({ maxLength: 200 }).map(headerText);
  return fc.oneof({ weight: 5, arbitrary: right }, { weight: 1, arbitrary: manner === 'missing' ? near : any });
}

function bodyOf(schema: Schema, manner: Manner, vocabulary: Vocabulary) {
  const whole = fitting(schema, vocabulary);
  if (manner === 'hostile') return hostileText(whole);
  // Pairs of surrogates that JSON.stringify would escape are sent as they are.
  return (manner === 'fitting' ? whole : missing(schema, vocabulary)).map((value) => JSON.stringify(value));
}

const textOf = (value: Json) => (typeof value === 'string' ? value : JSON.stringify(value));

/** A value that a header can carry at all. */
const headerText = (text: string) => text.replaceAll(/[^\t\u0020-\u007e\u00a1-\u00ff]/g, '?').trim();

/** Dots alone would be taken for a way up, and nothing at all for another path. */
function fillIn(path: string, values: ReadonlyArray<readonly [string, string]>): string {
  return values.reduce((filled, [name, value]) => {
    const part = /^\.*$/.test(value) ? `${value}x` : value;
    return filled.replace(`{${name}}`, () => encodeURIComponent(part.toWellFormed()));
  }, path);
}

export interface FuzzedAnswer {
  readonly status: number;
  readonly type: string | undefined;
  readonly text: string;
}

/** What the document does not tell of in this answer. */
export function undocumented({ responses }: Operation, { status, type, text }: FuzzedAnswer, schemas: Schemas) {
  const response = responses[String(status)];
  if (!response) return [`no ${status}`];
  if (response.content === undefined) return text === '' ? [] : [`${status} with a body`];
  const isStream = type === 'text/event-stream';
  const schema = response.content[type ?? '']?.schema ?? (isStream ? response['x-event-stream'] : undefined);
  if (!schema) return [`no ${type} for ${status}`];
  const values = isStream ? eventsOf(text) : [JSON.parse(text)];
  if (values.length === 0) return ['a stream without events'];
  return values.flatMap((value: Json) => faultsOf(value, schema, schemas));
}

function eventsOf(text: string): Json[] {
  const blocks = text.split('\n\n').filter((block) => block !== '' && !block.startsWith(':'));
  return blocks.map((block) => {
    const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
    return { event: event ?? null, data: JSON.parse(data ?? 'null') };
  });
}
