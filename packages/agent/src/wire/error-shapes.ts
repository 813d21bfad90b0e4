/**
 * Where an answer tells of an error, and what can be relied on there: a status, a short code, a parameter. Shapes differ,
 * and so do their fields' names. Sources: the error references of OpenAI, Anthropic, Google (google.rpc), Alibaba's
 * DashScope, MiniMax, Baidu, Cloudflare, AWS, Hugging Face's TGI, FastAPI (read 2026-11).
 */
import { readFinish } from './finish.ts';
import { isObject, type JsonObject, listOf, objectOf, textOf } from './json.ts';

const SHORT_CODE = /^[a-z0-9_.-]{1,64}$/i;
const MOST_DIGITS = 4;
const PARAMETER = /^[a-z0-9_.[\]-]{1,128}$/i;
const NOTHING = /^(?:none|null|nil|undefined)?$/i;
const SUCCESS = /^(?:0+|2\d\d|ok|success|succeeded|successful|normal)$/i;
const ERROR_NAME = /^(?:.*[._-])?(?:error|exception)$/i;

const CODES = ['code', 'error_code', 'errorCode', 'errcode', 'status_code', 'statusCode', 'error_type', '__type'];
const MESSAGES = ['message', 'msg', 'error_msg', 'error_message', 'errmsg', 'status_msg'];
/** In this order: an exact code, then a family's. */
const SHORT_CODES = ['code', 'error_code', 'errorCode', 'errcode', 'type', 'error_type', '__type'];
const STATUSES = ['code', 'status', 'status_code', 'statusCode', 'error_code', 'originalStatusCode'];

/** MiniMax says by a number what went wrong, with status 200 (platform.minimax.io, "Error codes", read 2026-11). */
const MINIMAX: Readonly<Record<string, string>> = {
  1002: 'rate_limit',
  1004: 'authentication',
  1008: 'insufficient_balance',
  1026: 'input_sensitive',
  1027: 'output_sensitive',
  1039: 'rate_limit',
  1041: 'rate_limit',
  1042: 'input_sensitive',
  2013: 'invalid_params',
  2045: 'rate_limit',
  2049: 'invalid_api_key',
  2056: 'quota',
};

/** The error that an event, or a body with status 200, tells of; undefined where it tells of none. */
export function errorIn(name: string | undefined, event: JsonObject): JsonObject | undefined {
  const { type, object, error, base_resp: base } = event;
  if ([name, type, object].some((each) => ERROR_NAME.test(textOf(each))) || tellsOfError(error))
    return innermost(event);
  const code = objectOf(base)['status_code'];
  if (isFailing(code)) return { code: MINIMAX[String(code)] ?? code };
  return listOf(event['choices']).length === 0 && isAllError(event) ? innermost(event) : undefined;
}

/** Many have an `error` in every event, with nothing in it: `null`, `{}`, `[]`, fields that are empty, a code of success. */
export function tellsOfError(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return Boolean(error);
  return Object.values(error).some(Boolean) && !isSuccess('code' in error ? error.code : undefined);
}

/** The error object, which some wrap, some list and some do not. */
export function innermost(body: unknown, depth = 3): JsonObject {
  const outer = objectOf(body);
  const { error, errors, detail, message } = outer;
  const inner = [error, listOf(errors)[0], Array.isArray(detail) ? detail[0] : detail, message].find(isObject);
  if (inner && depth > 0) return innermost(inner, depth - 1);
  const [exception, told] = Object.entries(outer).find(isException) ?? [];
  return exception === undefined ? outer : { code: exception, ...objectOf(told) };
}

/** A short code; undefined for what is none, which may be anything: what has many digits is a key or a name of something. */
export function shortCode(value: unknown): string | undefined {
  if (typeof value !== 'string' || !SHORT_CODE.test(value) || NOTHING.test(value) || !/[a-z]/i.test(value))
    return undefined;
  return value.replaceAll(/\D/g, '').length > MOST_DIGITS ? undefined : value;
}

/** Google's status tells little, and the reason among its details all (google.rpc.ErrorInfo). */
export function shortCodeOf(error: JsonObject): string | undefined {
  const { details, status, reason } = error;
  const reasons = listOf(details).map((detail) => objectOf(detail)['reason']);
  // AWS puts a namespace before its code.
  const codes = SHORT_CODES.map((field) => error[field]).map((code) => textOf(code).replace(/^.*#/, ''));
  return [...codes, ...reasons, status, reason].map(shortCode).find(Boolean) ?? numberCodeOf(error);
}

/** The HTTP status that some put into the error. */
export function statusIn(error: JsonObject): number | undefined {
  return STATUSES.map((field) => Number(error[field])).find(isErrorStatus);
}

/** What of the request an error is about, as a path: OpenAI's `param`, FastAPI's `loc`, Google's field violations. */
export function parameterIn(error: JsonObject): string | undefined {
  const { param, loc, details } = error;
  const fields = listOf(details).flatMap((detail) => listOf(objectOf(detail)['fieldViolations']));
  const paths = [param, listOf(loc).join('.'), objectOf(fields[0])['field']].map(textOf);
  const path = paths.find((each) => PARAMETER.test(each) && !NOTHING.test(each));
  return path?.replace(/^(?:body|request|json)\./, '');
}

/** Whether it tells of an error and of nothing else, without an object for it. */
function isAllError(event: JsonObject): boolean {
  const { success, errors, detail, status } = event;
  if (success === false || listOf(errors).length > 0 || Object.entries(event).some(isException)) return true;
  if (tellsOfError(detail)) return true;
  const hasMessage = MESSAGES.some((field) => textOf(event[field]) !== '');
  const isFailed = Number(status) >= 400 || readFinish(textOf(status)) === 'failed';
  return hasMessage && (isFailed || CODES.some((field) => isFailing(event[field])));
}

/** AWS names an event of a stream after the exception that it is. */
function isException([name, value]: [string, unknown]): boolean {
  return name.endsWith('Exception') && isObject(value);
}

function isSuccess(code: unknown): boolean {
  return (typeof code === 'number' || typeof code === 'string') && SUCCESS.test(String(code));
}

function isFailing(code: unknown): boolean {
  return (typeof code === 'number' || !NOTHING.test(textOf(code))) && !isSuccess(code);
}

/** Those that number their errors: the number is all that may be told. */
function numberCodeOf(error: JsonObject): string | undefined {
  const code = CODES.map((field) => Number(error[field] ?? undefined)).find(Number.isInteger);
  return code === undefined || code === 0 || isErrorStatus(code) ? undefined : `code_${code}`;
}

function isErrorStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 400 && status < 600;
}
