/** Refusals that name what of the request was wrong, and answers that say in their body how long to wait. */
import { SECRET } from '../protocols/index.ts';
import { PROVIDERS_WORDS as message } from './failures.ts';
import type { FailedReply, Habit } from './habit.ts';

const outOfOrder = { fails: 'agent-unavailable' } as const;
const refused = { fails: 'agent-refused' } as const;

const answers = (status: number, body: unknown, gives: FailedReply, headers = {}): Habit => ({
  name: `HTTP ${status} ${JSON.stringify(body)} ${JSON.stringify(headers)}`,
  sends: () => ({ status, headers: { 'content-type': 'application/json', ...headers }, steps: [JSON.stringify(body)] }),
  gives,
});

/** OpenAI's shape. What we ask with is the operator's set-up; what was said, and how much, the caller's. */
const wrong = (param: unknown, code: unknown, gives: FailedReply): Habit =>
  answers(400, { error: { message, type: 'invalid_request_error', param, code } }, gives);

const invalidField = (field: string) => ({
  error: {
    code: 400,
    message,
    status: 'INVALID_ARGUMENT',
    details: [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field }] }],
  },
});

const extra = (...loc: readonly unknown[]) => ({ detail: [{ type: 'missing', loc: ['body', ...loc], msg: message }] });

const exhausted = (more: Record<string, unknown>) => ({ error: { code: 429, status: 'RESOURCE_EXHAUSTED', ...more } });
const retryInfo = (retryDelay: unknown) =>
  exhausted({ details: [{}, { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay }] });
const waits = (body: unknown, retryAfterSeconds: number, headers?: Record<string, string>) =>
  answers(429, body, { fails: 'agent-busy', retryAfterSeconds }, headers);

export const requests: readonly Habit[] = [
  wrong('max_tokens', 'unsupported_parameter', { ...outOfOrder, cause: 'HTTP 400 unsupported_parameter' }),
  wrong('stream_options', 'unknown_parameter', outOfOrder),
  wrong('temperature', 'unsupported_value', outOfOrder),
  wrong('stream', 'unsupported_value', outOfOrder),
  wrong('reasoning.effort', 'unsupported_value', outOfOrder),
  wrong('messages[0].role', 'unsupported_value', outOfOrder),
  wrong('messages.0.role', null, outOfOrder),
  wrong('max_tokens', 'unsupported_value', outOfOrder),
  wrong(null, 'unsupported_parameter', outOfOrder),
  wrong(null, 'unrecognized_field', outOfOrder),
  wrong('store', null, outOfOrder),
  wrong('model', null, outOfOrder),
  wrong('model', 'invalid_value', outOfOrder),
  wrong(null, 'invalid_model', outOfOrder),
  wrong(null, 'model_not_supported', outOfOrder),
  wrong(null, 'unsupported_api_for_model', outOfOrder),
  wrong('messages', 'context_length_exceeded', refused),
  wrong('max_tokens', 'context_length_exceeded', refused),
  wrong('model', 'context_length_exceeded', refused),
  wrong('messages[1].content', 'string_above_max_length', refused),
  wrong('messages.[1].content', 'invalid_value', refused),
  wrong('input', 'invalid_prompt', refused),
  wrong('input[2].content[0].text', null, refused),
  wrong('input_tokens', null, refused),
  wrong('max_tokens', null, refused),
  wrong('max_output_tokens', 'integer_above_max_value', refused),
  wrong('prompt', 'content_filter', refused),
  wrong('safety_identifier', 'content_policy_violation', refused),
  wrong('None', null, refused),
  wrong(`a parameter that is a sentence: ${message}`, null, refused),
  wrong(null, 'OperationNotSupported', outOfOrder),
  wrong(null, 'tool_use_failed', { fails: 'agent-failed' }),
  wrong(null, SECRET, { ...refused, cause: 'HTTP 400 invalid_request_error' }),
  answers(401, { error: { type: SECRET, code: SECRET, message: SECRET } }, { ...outOfOrder, cause: 'HTTP 401' }),
  answers(
    429,
    { message, type: 'too_many_requests_error', param: 'quota', code: 'request_quota_exceeded' },
    { fails: 'agent-busy', retryAfterSeconds: 7 },
    { 'retry-after': '7' },
  ),
  answers(400, invalidField('generation_config.thinking_config'), outOfOrder),
  answers(400, invalidField('contents[0].parts[0].text'), refused),
  answers(400, invalidField('generation_config.max_output_tokens'), refused),
  answers(422, extra('stream_options'), { ...outOfOrder, cause: 'HTTP 422 missing' }),
  answers(422, extra('messages', 1, 'content'), refused),
  answers(422, { object: 'error', message: extra('store'), type: 'invalid_request_error' }, outOfOrder),
  answers(400, { error: { message, type: 'None', param: 'None', code: '400' } }, { ...refused, cause: 'HTTP 400' }),
  answers(400, { error: message, error_type: 'validation' }, { ...refused, cause: 'HTTP 400 validation' }),
  waits(retryInfo('34.07s'), 35),
  waits(retryInfo({ seconds: '34', nanos: 70_000_000 }), 34),
  waits([retryInfo('34s')], 34),
  waits(retryInfo('34s'), 20, { 'retry-after': '20' }),
  waits(retryInfo('999999s'), 3600),
  waits({ error: { code: 'rate_limit_exceeded', retry_after: 12.5 } }, 13),
  waits({ error: { code: 'rate_limit_exceeded', metadata: { retry_after_seconds: 40 } } }, 40),
  waits({ error: { code: 'rate_limit_exceeded' }, retry_after: '17' }, 17),
  answers(503, { error: message, estimated_time: 20.6 }, { fails: 'agent-busy', retryAfterSeconds: 21 }),
];
