/** As much of JSON Schema as the API's own document uses. A keyword that is not known here is an error: none is passed over. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly (string | null)[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
}

export type Schemas = Readonly<Record<string, Schema>>;

/** (A discriminator only says which of several schemas is meant: each of them says so itself.) */
const KNOWN = new Set(
  `$ref type enum oneOf properties required additionalProperties items minimum exclusiveMinimum maximum
  minLength maxLength pattern format description example default discriminator`.split(/\s+/),
);

const TYPES = new Set(['null', 'boolean', 'integer', 'number', 'string', 'array', 'object']);
const FORMATS: Readonly<Record<string, RegExp>> = {
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
};

/** The schema itself, in place of a reference to it. @throws {Error} when it says something that is not known here */
export function resolve(schema: Schema, schemas: Schemas): Schema {
  const { format = 'uuid' } = schema;
  const unknown = [
    ...Object.keys(schema).filter((keyword) => !KNOWN.has(keyword)),
    ...typesOf(schema).filter((type) => !TYPES.has(type)),
    ...(format in FORMATS ? [] : [format]),
  ];
  if (unknown.length > 0) throw new Error(`the tests do not know ${unknown.join(', ')}`);
  if (schema.$ref === undefined) return schema;
  const found = schemas[schema.$ref.replace('#/components/schemas/', '')];
  if (!found) throw new Error(`the tests do not know ${schema.$ref}`);
  return resolve(found, schemas);
}

export const typesOf = ({ type }: Schema): readonly string[] => (type === undefined ? [] : [type].flat());

/** Where a value does not fit its schema, and what is wrong there. */
export function faultsOf(value: Json, given: Schema, schemas: Schemas, at = ''): string[] {
  const schema = resolve(given, schemas);
  const faults = [
    ...(fitsType(value, typesOf(schema)) ? [] : [`${at}: not ${typesOf(schema).join(' or ')}`]),
    ...(schema.enum && !schema.enum.some((choice) => choice === value)
      ? [`${at}: not one of ${schema.enum.join(', ')}`]
      : []),
  ];
  if (schema.oneOf) {
    const choices = schema.oneOf.map((choice) => faultsOf(value, choice, schemas, at));
    if (choices.filter((choice) => choice.length === 0).length !== 1) faults.push(`${at}: ${JSON.stringify(choices)}`);
  }
  if (typeof value === 'number') faults.push(...faultsOfNumber(value, schema, at));
  if (typeof value === 'string') faults.push(...faultsOfText(value, schema, at));
  if (Array.isArray(value) && schema.items) {
    for (const [n, item] of value.entries()) faults.push(...faultsOf(item, schema.items, schemas, `${at}/${n}`));
  }
  if (isObject(value)) faults.push(...faultsOfObject(value, schema, schemas, at));
  return faults;
}

const isObject = (value: Json): value is { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function fitsType(value: Json, types: readonly string[]): boolean {
  if (types.length === 0) return true;
  if (value === null) return types.includes('null');
  if (Array.isArray(value)) return types.includes('array');
  if (Number.isSafeInteger(value) && types.includes('integer')) return true;
  return types.includes(typeof value);
}

function faultsOfNumber(value: number, { minimum, exclusiveMinimum, maximum }: Schema, at: string): string[] {
  const fits =
    !(minimum !== undefined && value < minimum) &&
    !(exclusiveMinimum !== undefined && value <= exclusiveMinimum) &&
    !(maximum !== undefined && value > maximum);
  return fits ? [] : [`${at}: ${value} is out of bounds`];
}

function faultsOfText(value: string, { minLength = 0, maxLength, pattern, format }: Schema, at: string): string[] {
  const { length } = Array.from(value);
  return [
    ...(length < minLength || length > (maxLength ?? Infinity) ? [`${at}: ${length} characters`] : []),
    ...(pattern !== undefined && !new RegExp(pattern, 'u').test(value) ? [`${at}: does not match ${pattern}`] : []),
    ...(format !== undefined && !FORMATS[format]!.test(value) ? [`${at}: no ${format}`] : []),
  ];
}

function faultsOfObject(
  value: { readonly [name: string]: Json },
  { properties = {}, required = [], additionalProperties }: Schema,
  schemas: Schemas,
  at: string,
): string[] {
  const missing = required.filter((name) => !Object.hasOwn(value, name)).map((name) => `${at}/${name}: missing`);
  const within = Object.entries(value).flatMap(([name, inner]) => {
    if (Object.hasOwn(properties, name)) return faultsOf(inner, properties[name]!, schemas, `${at}/${name}`);
    if (additionalProperties === false) return [`${at}/${name}: unknown`];
    return typeof additionalProperties === 'object'
      ? faultsOf(inner, additionalProperties, schemas, `${at}/${name}`)
      : [];
  });
  return [...missing, ...within];
}
