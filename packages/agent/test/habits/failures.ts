/** How providers fail: before they answer, and in the middle of it. */
import { choice, chunk, usageChunk } from '../protocols/openai-compatible.ts';
import { failedResponse } from '../protocols/openai.ts';
import type { Protocol } from '../protocols/protocol.ts';
import {
  type Answer,
  chat,
  type FailedReply,
  type Habit,
  messages,
  readUsage,
  responses,
  sentUsage as usage,
  reset,
  staysOpen,
} from './habit.ts';

export const PROVIDERS_WORDS = 'provider says no';

const refusal =
  (status: number, code: string, headers: Readonly<Record<string, string>> = {}) =>
  ({ errorBody }: Protocol): Answer => ({
    status,
    headers: { 'content-type': 'application/json', 'retry-after': '30', ...headers },
    steps: [errorBody(code, PROVIDERS_WORDS)],
  });

const busy = (retryAfterSeconds = 30) => ({ fails: 'agent-busy', retryAfterSeconds }) as const;
const outOfOrder = { fails: 'agent-unavailable' } as const;
const refused = { fails: 'agent-refused' } as const;
const failed = { fails: 'agent-failed' } as const;

const answers = (
  status: number,
  code: string,
  gives: FailedReply,
  headers?: Readonly<Record<string, string>>,
): Habit => ({
  name: `HTTP ${status} ${code} ${JSON.stringify(headers ?? '')}`,
  sends: refusal(status, code, headers),
  gives: { cause: `HTTP ${status} ${code}`, ...gives },
});

const body = (name: string, status: number, content: string, gives: FailedReply): Habit => ({
  name: `HTTP ${status} with ${name}`,
  sends: () => ({ status, headers: { 'content-type': 'text/plain', 'retry-after': '30' }, steps: [content] }),
  gives,
});

export const refusals: readonly Habit[] = [
  answers(429, 'rate_limit_exceeded', busy()),
  answers(429, 'rate_limit_exceeded', busy(20), { 'retry-after': '20' }),
  answers(429, 'rate_limit_exceeded', busy(3), { 'retry-after-ms': '2500' }),
  answers(429, 'rate_limit_exceeded', busy(3600), { 'retry-after': 'Fri, 31 Dec 2100 23:59:59 GMT' }),
  answers(429, 'rate_limit_exceeded', busy(3600), { 'retry-after': '999999999' }),
  answers(429, 'rate_limit_exceeded', busy(1), { 'retry-after': '0' }),
  answers(503, 'server_error', busy()),
  answers(529, 'overloaded_error', busy()),
  answers(500, 'engine_overloaded', busy()),
  answers(429, 'ModelAccountRpmRateLimitExceeded', busy()),
  answers(429, 'Throttling.AllocationQuota', busy()),
  answers(429, 'insufficient_quota', outOfOrder),
  answers(429, 'exceeded_current_quota_error', outOfOrder),
  answers(401, 'invalid_api_key', outOfOrder),
  answers(401, 'authentication_error', outOfOrder),
  answers(402, 'billing_error', outOfOrder),
  answers(403, 'permission_error', outOfOrder),
  answers(404, 'model_not_found', outOfOrder),
  answers(400, 'model_not_found', outOfOrder),
  answers(400, 'API_KEY_INVALID', outOfOrder),
  answers(400, 'FAILED_PRECONDITION', outOfOrder),
  answers(405, 'method', outOfOrder),
  answers(308, 'moved', outOfOrder, { location: 'https://127.0.0.1:1/' }),
  answers(400, 'invalid_request_error', refused),
  answers(400, 'context_length_exceeded', refused),
  answers(400, 'content_filter', refused),
  answers(403, 'content_policy_violation', refused),
  answers(413, 'request_too_large', refused),
  answers(422, 'unprocessable', refused),
  answers(500, 'api_error', failed),
  answers(502, 'bad_gateway', failed),
  answers(504, 'timeout', failed),
  body('no JSON', 400, `<h1>${PROVIDERS_WORDS}</h1>`, { ...refused, cause: 'HTTP 400' }),
  body('nothing', 401, '', { ...outOfOrder, cause: 'HTTP 401' }),
  body('a bare sentence as its error', 404, JSON.stringify({ error: PROVIDERS_WORDS }), {
    ...outOfOrder,
    cause: 'HTTP 404',
  }),
  body('a sentence for a code', 400, JSON.stringify({ error: { code: PROVIDERS_WORDS } }), {
    ...refused,
    cause: 'HTTP 400',
  }),
  body('a list of errors', 400, JSON.stringify([{ error: { code: 400, status: 'INVALID_ARGUMENT' } }]), {
    ...refused,
    cause: 'HTTP 400 INVALID_ARGUMENT',
  }),
  body(
    'the reason among its details',
    400,
    JSON.stringify([
      { error: { code: 400, status: 'INVALID_ARGUMENT', details: [{}, { reason: 'API_KEY_INVALID' }] } },
    ]),
    { ...outOfOrder, cause: 'HTTP 400 API_KEY_INVALID' },
  ),
  body('errors in a list of their own', 401, JSON.stringify({ errors: [{ code: 'bad_key' }] }), {
    ...outOfOrder,
    cause: 'HTTP 401 bad_key',
  }),
  body(
    'what moderation found',
    403,
    JSON.stringify({ error: { code: 403, metadata: { reasons: ['violence'], flagged_input: PROVIDERS_WORDS } } }),
    refused,
  ),
  {
    name: 'HTTP 401 with a body that does not end',
    sends: () => ({ status: 401, steps: ['{"error": ', staysOpen] }),
    gives: { ...outOfOrder, cause: 'HTTP 401' },
  },
  {
    name: 'a page in place of a stream',
    sends: () => ({ headers: { 'content-type': 'text/html' }, steps: [`<!doctype html><h1>${PROVIDERS_WORDS}</h1>`] }),
    gives: { ...outOfOrder, cause: 'web_page' },
  },
  {
    name: 'an error as JSON with status 200',
    sends: ({ errorBody }) => ({
      headers: { 'content-type': 'application/json' },
      steps: [errorBody('invalid_api_key', PROVIDERS_WORDS)],
    }),
    gives: { ...outOfOrder, cause: 'invalid_api_key' },
  },
];

const early = (code: string, gives: FailedReply): Habit => ({
  name: `the error ${code} before a word`,
  sends: ({ begin, errorEvent }) => begin() + errorEvent(code, PROVIDERS_WORDS),
  gives: { cause: code, ...gives },
});
const late = (name: string, event: string): Habit => ({
  name: `${name} after words`,
  kinds: chat,
  sends: ({ text }) => text('Heat') + event,
  gives: { ...failed, text: 'Heat' },
});

export const breaks: readonly Habit[] = [
  early('overloaded_error', busy(5)),
  early('rate_limit_exceeded', busy(5)),
  early('insufficient_quota', outOfOrder),
  early('invalid_request_error', refused),
  early('content_policy_violation', refused),
  early('server_error', failed),
  {
    name: 'an error in the middle',
    sends: ({ begin, text, errorEvent }) => begin() + text('Heat') + errorEvent('overloaded_error', PROVIDERS_WORDS),
    gives: { ...failed, text: 'Heat', cause: 'overloaded_error' },
  },
  late('an error of another shape', chunk({ error: { code: 502, message: PROVIDERS_WORDS } })),
  late('an error that is a sentence', chunk({ error: PROVIDERS_WORDS })),
  late('an event called error', `event: error\ndata: {"message": "${PROVIDERS_WORDS}"}\n\n`),
  late('an event called error, of plain words', `event: error\ndata: ${PROVIDERS_WORDS}\n\n`),
  late('an object that is an error', `data: {"object": "error", "message": "${PROVIDERS_WORDS}", "code": 40303}\n\n`),
  late(
    'an error of the choice',
    chunk({
      choices: [{ index: 0, delta: {}, finish_reason: 'error', error: { code: 502, message: PROVIDERS_WORDS } }],
    }),
  ),
  late(
    'a status for a code',
    chunk({
      error: { code: 429, message: PROVIDERS_WORDS },
      choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }],
    }),
  ),
  {
    name: 'a status for a code before a word',
    kinds: chat,
    sends: () => chunk({ error: { code: 429, message: PROVIDERS_WORDS } }),
    gives: { ...busy(5), cause: 'HTTP 429' },
  },
  {
    name: 'an error after usage',
    kinds: chat,
    sends: () => choice({ content: 'Heat' }) + usageChunk(usage) + chunk({ error: { code: 'server_error' } }),
    gives: { ...failed, text: 'Heat', usage: readUsage },
  },
  {
    name: 'a response that failed',
    kinds: responses,
    sends: ({ begin }) => begin() + failedResponse('rate_limit_exceeded', usage),
    gives: { ...busy(5), usage: readUsage },
  },
  {
    name: 'usage at the beginning, and an error',
    kinds: messages,
    sends: ({ begin, errorEvent }) => begin(usage) + errorEvent('overloaded_error', PROVIDERS_WORDS),
    gives: { ...busy(5), usage: { inputTokens: 321 } },
  },
  {
    name: 'an event that is not JSON in the middle',
    sends: ({ begin, text }) => `${begin() + text('Heat')}data: {"text": "${PROVIDERS_WORDS}"\n\n${text(', pour.')}`,
    gives: { ...failed, text: 'Heat', cause: 'not_json' },
  },
  ...['{"half": ', '[{"half": ', 'x{"half": 1}'].map((data): Habit => ({
    name: `data that cannot be read and an end: ${data}`,
    sends: ({ begin, text, finish, words, mark }) =>
      `${begin() + text('Heat')}data: ${data}\n\n${finish(words.stop)}${mark}`,
    gives: { ...failed, text: 'Heat', cause: 'not_json' },
  })),
  late('an error in bare JSON', `${JSON.stringify({ error: { message: PROVIDERS_WORDS } })}\n\n`),
  {
    name: 'an event that is not JSON before anything',
    sends: () => `data: {"text": "${PROVIDERS_WORDS}"\n\n`,
    gives: { ...failed, cause: 'not_json' },
  },
  {
    name: 'a broken connection in the middle',
    sends: ({ begin, text }) => [begin() + text('Heat'), { pauseMs: 20 }, reset],
    gives: { ...failed, text: 'Heat', cause: 'UND_ERR_SOCKET' },
  },
  {
    name: 'a broken connection after a thought',
    sends: ({ begin, thought }) => [begin() + thought('Hm'), { pauseMs: 20 }, reset],
    gives: { ...failed, reasoning: 'Hm' },
  },
  {
    name: 'a packed body that is none',
    sends: ({ begin }) => ({ headers: { 'content-encoding': 'gzip' }, steps: [begin()] }),
    gives: failed,
  },
  {
    name: 'half a JSON body',
    sends: ({ whole }) => whole({ text: 'Heat, pour.', usage }).slice(0, -20),
    gives: { ...failed, cause: 'not_json' },
  },
];
