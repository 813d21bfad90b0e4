/** The shapes of errors that come with status 200, in place of a stream and in the middle of it. None of them is a good end. */
import { choice, countsOf } from '../protocols/openai-compatible.ts';
import { unnamed } from '../protocols/protocol.ts';
import { PROVIDERS_WORDS as words } from './failures.ts';
import { chat, type FailedReply, type Habit, readUsage, sentUsage as usage } from './habit.ts';

const busy = (retryAfterSeconds = 5) => ({ fails: 'agent-busy', retryAfterSeconds }) as const;
const outOfOrder = { fails: 'agent-unavailable' } as const;
const refused = { fails: 'agent-refused' } as const;
const failed = { fails: 'agent-failed' } as const;
const base = (code: number) => ({ base_resp: { status_code: code, status_msg: words } });

/** What was sent, and what it means before a word. After words the reply broke off, for the same cause. */
const shapes: readonly (readonly [unknown, FailedReply])[] = [
  [base(1002), { ...busy(), cause: 'rate_limit' }],
  [
    { id: '1', choices: null, ...base(1004) },
    { ...outOfOrder, cause: 'authentication' },
  ],
  [base(1008), { ...outOfOrder, cause: 'insufficient_balance' }],
  [base(1026), { ...refused, cause: 'input_sensitive' }],
  [base(2049), { ...outOfOrder, cause: 'invalid_api_key' }],
  [base(1000), { ...failed, cause: 'code_1000' }],
  [
    { code: 'InvalidApiKey', message: words, request_id: '1' },
    { ...outOfOrder, cause: 'InvalidApiKey' },
  ],
  [{ code: 'Arrearage', message: words, request_id: '1' }, outOfOrder],
  [{ code: 'Throttling.RateQuota', message: words, request_id: '1' }, busy()],
  [{ code: 'DataInspectionFailed', message: words, request_id: '1' }, refused],
  [{ code: 'InternalError.Algo', message: words, request_id: '1' }, failed],
  [
    { error_code: 336_003, error_msg: words, id: 'as-1' },
    { ...failed, cause: 'code_336003' },
  ],
  [{ code: 10_013, message: words, sid: 'cha1' }, failed],
  [{ code: 500, msg: words, success: false }, failed],
  [
    { statusCode: 429, message: words },
    { ...busy(), cause: 'HTTP 429' },
  ],
  [{ status: 'error', message: words }, failed],
  [{ status: 401, message: words }, outOfOrder],
  [
    { success: false, result: null, errors: [{ code: 10_000, message: words }] },
    { ...failed, cause: 'code_10000' },
  ],
  [{ detail: words }, failed],
  [{ detail: { error: { code: 'rate_limit_exceeded', message: words } } }, busy()],
  [
    { error: words, error_type: 'overloaded' },
    { ...busy(), cause: 'overloaded' },
  ],
  [{ error: words, error_type: 'incomplete_generation' }, failed],
  [
    { __type: 'com.amazon.coral#ThrottlingException', message: words },
    { ...busy(), cause: 'ThrottlingException' },
  ],
  [{ modelStreamErrorException: { message: words, originalStatusCode: 424 } }, outOfOrder],
  [{ type: 'response.error', code: 'rate_limit_exceeded', message: words }, busy()],
  [{ error: { code: 429, details: [{ retryDelay: '34.07s' }] } }, { ...busy(35), cause: 'HTTP 429' }],
  [{ error: { type: 'invalid_request_error', param: 'stream', message: words } }, outOfOrder],
  [{ error: { type: 'None', code: '502', param: 'None', message: words } }, { ...failed, cause: 'HTTP 502' }],
];

const numbered = (code: number, gives: FailedReply): Habit => ({
  name: `the number ${code}`,
  kinds: chat,
  sends: () => JSON.stringify(base(code)),
  gives,
});

const done = 'data: [DONE]\n\n';
const named = (shape: unknown) => JSON.stringify(shape).replaceAll(words, '…');

export const errorShapes: readonly Habit[] = [
  ...shapes.flatMap(([shape, gives]): Habit[] => [
    {
      name: `${named(shape)} in place of a stream`,
      sends: () => ({ headers: { 'content-type': 'application/json' }, steps: [JSON.stringify(shape)] }),
      gives,
    },
    {
      name: `${named(shape)} as the only event`,
      kinds: chat,
      sends: () => unnamed(shape) + done,
      gives,
    },
    {
      name: `${named(shape)} after words, and an end mark`,
      sends: ({ begin, text, mark }) => begin() + text('Heat') + unnamed(shape) + mark,
      gives: { ...failed, text: 'Heat' },
    },
  ]),
  ...[1039, 1041, 2045].map((code) => numbered(code, busy())),
  numbered(2056, outOfOrder),
  ...[1027, 1042, 2013].map((code) => numbered(code, refused)),
  ...[1001, 1024, 1033].map((code) => numbered(code, failed)),
  {
    name: 'a code that nobody knows beside the words, which is no error',
    kinds: chat,
    sends: () => choice({ content: 'Heat' }, 'stop', { code: 20_000, message: 'done' }) + done,
    gives: { text: 'Heat' },
  },
  {
    name: 'usage beside an error',
    sends: ({ begin }) => begin() + unnamed({ error: { code: 'server_error' }, usage: countsOf(usage) }),
    gives: { ...failed, usage: readUsage },
  },
  {
    name: 'an error beside the last piece and its finish',
    kinds: chat,
    sends: () => choice({ content: 'Heat' }) + choice({}, 'stop', base(1027)) + done,
    gives: { ...failed, text: 'Heat', cause: 'output_sensitive' },
  },
  ...[
    `error: {"code": 500, "message": "${words}", "type": "server_error"}\n\n`,
    'event: error\n\n',
    `event: error\ndata: [DONE]\n\n`,
    `event: response.error\ndata: {"message": "${words}"}\n\n`,
    `event: exception\ndata: {"message": "${words}"}\n\n`,
  ].map((event): Habit => ({
    name: `${JSON.stringify(event).replaceAll(words, '…')} after words, and an end mark`,
    kinds: chat,
    sends: ({ text }) => text('Heat') + event + done,
    gives: { ...failed, text: 'Heat' },
  })),
  ...[
    { base_resp: { status_code: 0, status_msg: '' } },
    { base_resp: null },
    { code: 0, message: 'Success', sid: 'cha1' },
    { code: '200', msg: 'OK', success: true },
    { code: '', message: '', status: 'running', detail: null, errors: [] },
    { code: null, message: 'still here' },
    { error: { code: 'success', message: 'OK' } },
    { error: { code: 0, message: 'OK' } },
    { status: 'processing', message: 'queued' },
  ].map((fields): Habit => ({
    name: `${JSON.stringify(fields)} in and between the pieces, which is no error`,
    kinds: chat,
    sends: () => choice({ content: 'Heat' }, null, fields) + unnamed(fields) + choice({}, 'stop', fields) + done,
    gives: { text: 'Heat' },
  })),
];
