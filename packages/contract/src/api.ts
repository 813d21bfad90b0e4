/** The HTTP API's schemas: what is sent, what is answered, what is streamed. OpenAPI and the types come from here. */
import { z } from 'zod';

import { isBlank } from './blank.ts';
import { errorCodes, remedies } from './errors.ts';
import { MAX_CONTENT_LENGTH, MAX_MESSAGES_PER_PAGE } from './limits.ts';

export const sessionStatuses = ['awaiting_payment', 'active', 'expired', 'closed'] as const;
export const invoiceStatuses = ['pending', 'paid', 'expired'] as const;
export const requestStates = ['running', 'completed', 'incomplete', 'failed'] as const;
export const incompleteReasons = ['cancelled', 'max-output-tokens', 'balance', 'empty', 'too-long'] as const;
export const messageRoles = ['user', 'assistant'] as const;

export type SessionStatus = (typeof sessionStatuses)[number];
export type InvoiceStatus = (typeof invoiceStatuses)[number];
export type RequestState = (typeof requestStates)[number];
export type IncompleteReason = (typeof incompleteReasons)[number];
export type MessageRole = (typeof messageRoles)[number];

export const id = z.uuid();
export const time = z.iso.datetime({ offset: true }).meta({ description: 'ISO 8601' });
export const msat = z.int().nonnegative().meta({ description: 'Millisatoshis' });
const tokens = z.int().nonnegative();

/** What an operator allows one call to ask for. */
export interface RequestLimits {
  readonly minDepositSats: number;
  readonly maxDepositSats: number;
  readonly maxOutputTokens: number;
  /** Unless a call says otherwise. */
  readonly history: { readonly maxMessages: number; readonly tokenBudget: number; readonly recallTokens: number };
  readonly historyLimit: { readonly maxMessages: number; readonly tokenBudget: number };
}

export function depositBody(limits: Pick<RequestLimits, 'minDepositSats' | 'maxDepositSats'>) {
  return z
    .strictObject({
      amountSats: z
        .int()
        .min(limits.minDepositSats)
        .max(limits.maxDepositSats)
        .meta({ description: 'How much to deposit, in whole sats', example: Math.max(1000, limits.minDepositSats) }),
    })
    .meta({ id: 'Deposit' });
}

/** As it is said. What is left out is filled in afterwards: a default in here would be a duty of every generated client. */
export function turnBody(limits: RequestLimits) {
  const { history, historyLimit } = limits;
  return z
    .strictObject({
      content: z
        .string()
        .min(1, { error: 'must say something', abort: true })
        .max(MAX_CONTENT_LENGTH)
        .refine((content) => !isBlank(content), { error: 'must say something', abort: true })
        .meta({ description: 'What to say to Timmy', example: 'How do I brew coffee?' }),
      maxOutputTokens: z
        .int()
        .min(1)
        .max(limits.maxOutputTokens)
        .optional()
        .meta({ description: `The longest reply to pay for; ${limits.maxOutputTokens} unless said otherwise` }),
      history: z
        .strictObject({
          maxMessages: z
            .int()
            .min(0)
            .max(historyLimit.maxMessages)
            .optional()
            .meta({ description: `${history.maxMessages} unless said otherwise` }),
          tokenBudget: z
            .int()
            .min(0)
            .max(historyLimit.tokenBudget)
            .optional()
            .meta({ description: `${history.tokenBudget} unless said otherwise` }),
          recallTokens: z
            .int()
            .min(0)
            .max(historyLimit.tokenBudget)
            .optional()
            .meta({
              description: `Of the token budget, for earlier messages that fit what is said; half of it at most. ${history.recallTokens} unless said otherwise`,
            }),
        })
        .optional()
        .meta({ description: 'How much of the conversation so far to show the model' }),
    })
    .meta({ id: 'Turn' });
}

export const messagesQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_MESSAGES_PER_PAGE).default(50),
  after: id.optional().meta({ description: 'The id of the last message of the previous page' }),
  order: z.enum(['asc', 'desc']).default('asc'),
});

export const idempotencyKeyHeader = z.string().min(1).max(255);

export const invoiceSchema = z
  .object({
    paymentHash: z.string().regex(/^[0-9a-f]{64}$/),
    bolt11: z.string(),
    amountSats: z.int().positive(),
    status: z.enum(invoiceStatuses),
    expiresAt: time,
  })
  .meta({ id: 'Invoice' });

export const sessionSchema = z
  .object({
    id,
    status: z.enum(sessionStatuses),
    balanceMsat: msat,
    heldMsat: msat.meta({ description: 'The part of the balance, in millisatoshis, set aside for a running request' }),
    createdAt: time,
    expiresAt: time.meta({ description: 'When it expires, or is removed if never paid, unless it is used before' }),
    invoice: invoiceSchema.optional().meta({ description: 'The newest unpaid invoice' }),
  })
  .meta({ id: 'Session' });

export const sessionOpenedSchema = z
  .object({
    session: sessionSchema,
    key: z.string().meta({ description: 'The session key: shown this once, kept only as a hash' }),
    invoice: invoiceSchema,
  })
  .meta({ id: 'SessionOpened' });

export const topUpSchema = z.object({ invoice: invoiceSchema }).meta({ id: 'TopUp' });

export const messageSchema = z
  .object({
    id,
    sessionRequestId: id.nullable(),
    role: z.enum(messageRoles),
    content: z.string(),
    tokenCount: tokens,
    createdAt: time,
  })
  .meta({ id: 'Message' });

export const messagesPageSchema = z
  .object({ messages: z.array(messageSchema), hasMore: z.boolean() })
  .meta({ id: 'MessagesPage' });

const requestSchema = z.object({
  id,
  state: z.enum(requestStates),
  incompleteReason: z
    .enum(incompleteReasons)
    .optional()
    .meta({
      description:
        'Why the reply is not whole. `cancelled`: stopped by the caller. `max-output-tokens`: cut at the limit that was ' +
        'asked for; `balance`: at what the balance paid for. `too-long`: the model took longer than this server waits. ' +
        '`empty`: it ended without a word, and is charged for what it used all the same; the pair is kept out of prompts',
    }),
  model: z.string(),
  inputTokens: tokens.nullable(),
  outputTokens: tokens.nullable(),
  reasoningTokens: tokens.nullable().meta({ description: 'The part of `outputTokens` that was reasoning' }),
  chargedMsat: msat.nullable(),
  createdAt: time,
  finishedAt: time.nullable(),
});

const count = z.int().nonnegative();

export const shownHistorySchema = z
  .object({
    messages: count.meta({ description: 'How many earlier messages the model was shown' }),
    tokens: tokens.meta({ description: 'Theirs, as shown' }),
    dropped: count.meta({ description: 'How many it was not shown' }),
    recalled: count.meta({ description: 'How many of those shown lie before the newest turns, and fit what was said' }),
    clipped: z.boolean().meta({ description: 'Whether any of them was cut' }),
  })
  .meta({ id: 'ShownHistory', description: 'What the model was shown of the conversation so far' });

/** A request in any state: what a finished turn answers, and what looking one up gives. */
export const turnSchema = z
  .object({
    request: requestSchema,
    reply: messageSchema
      .omit({ sessionRequestId: true })
      .extend({ role: z.literal('assistant') })
      .nullable()
      .meta({ description: 'null while running, after a failure, and once the conversation was forgotten' }),
    balanceMsat: msat.meta({ description: 'The balance in millisatoshis when the request ended; while it runs, now' }),
    history: shownHistorySchema,
  })
  .meta({ id: 'TurnAnswer' });

/** What the page, or any client, needs to know about a server before it has a session. */
export const serverInfoSchema = z
  .object({
    agentName: z.string(),
    model: z.string(),
    demo: z.boolean().meta({ description: 'The offline demo agent answers, no model' }),
    walletName: z.string(),
    simulated: z.boolean().meta({ description: 'No real money moves; POST /dev/wallet/pay pays' }),
    minDepositSats: z.int().positive(),
    maxDepositSats: z.int().positive(),
    maxOutputTokens: z.int().positive(),
    inputMsatPerKtoken: msat.meta({ description: 'Millisatoshis per 1000 tokens shown to the model' }),
    outputMsatPerKtoken: msat.meta({ description: 'Millisatoshis per 1000 tokens it replies' }),
    history: z
      .object({ maxMessages: count, tokenBudget: tokens, recallTokens: tokens })
      .meta({ description: 'What a request shows the model of the conversation, unless it says otherwise' }),
    historyLimit: z
      .object({ maxMessages: count, tokenBudget: tokens })
      .meta({ description: 'The most that a request may ask for' }),
  })
  .meta({ id: 'ServerInfo' });

/** A conversation as the page exports it. */
export const conversationExportSchema = z.strictObject({
  format: z.literal('timmy-tower/conversation@1'),
  sessionId: id,
  exportedAt: time,
  messages: z.array(messageSchema),
});

const problemCodes = errorCodes.filter((code) => code !== 'malformed-request');

/** An error document, RFC 9457. Some codes carry more fields. */
export const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    code: z.enum(problemCodes).meta({
      description: `What went wrong, and what to do:\n${problemCodes.map((code) => `- \`${code}\`: ${remedies[code]}`).join('\n')}`,
    }),
    requestId: id.optional(),
    retryAfterSeconds: z.int().positive().optional().meta({ description: 'As in the `Retry-After` header' }),
    invoice: invoiceSchema.optional(),
    requiredMsat: msat.optional(),
    availableMsat: msat.optional(),
    heldMsat: msat.optional(),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'Every fault of an invalid request' }),
  })
  .meta({ id: 'Problem' });

const anyProblem = problemSchema.partial({ code: true });

const event = <Name extends string, Data extends z.ZodType>(name: Name, data: Data) =>
  z.object({ event: z.literal(name), data });
const words = z.object({ text: z.string() });
const errorEvent = event('error', problemSchema).meta({ id: 'ErrorEvent' });

/**
 * The events of `GET /sessions/:id/events`: the session now, and whenever it changed; that messages of a conversation
 * changed; an error ends it.
 */
export const sessionEventSchema = z
  .discriminatedUnion('event', [
    event('session', sessionSchema).meta({ id: 'SessionChangedEvent' }),
    event('messages', z.object({ conversationId: id.meta({ description: 'The main one has the session’s id' }) })).meta(
      {
        id: 'MessagesChangedEvent',
      },
    ),
    errorEvent,
  ])
  .meta({ id: 'SessionEvent' });

export const streamEventSchema = z
  .discriminatedUnion('event', [
    event('start', z.object({ requestId: id, history: shownHistorySchema })).meta({ id: 'StartEvent' }),
    event('reasoning', words).meta({ id: 'ReasoningEvent' }),
    event('delta', words).meta({ id: 'DeltaEvent' }),
    event('done', turnSchema).meta({ id: 'DoneEvent' }),
    errorEvent,
  ])
  .meta({ id: 'TurnEvent' });

export const simulatedPaymentBody = z.strictObject({ bolt11: z.string().max(5000) }).meta({ id: 'SimulatedPayment' });

export const simulatedPaymentSchema = z
  .object({ preimage: z.string().regex(/^[0-9a-f]{64}$/), paymentHash: z.string().regex(/^[0-9a-f]{64}$/) })
  .meta({ id: 'SimulatedPaymentDone' });

export type DepositRequest = z.infer<ReturnType<typeof depositBody>>;
/** A turn's body as it was said. */
export type TurnRequest = z.infer<ReturnType<typeof turnBody>>;
export type MessagesQuery = z.infer<typeof messagesQuery>;
export type Invoice = z.infer<typeof invoiceSchema>;
export type Session = z.infer<typeof sessionSchema>;
export type SessionOpened = z.infer<typeof sessionOpenedSchema>;
export type TopUp = z.infer<typeof topUpSchema>;
export type Message = z.infer<typeof messageSchema>;
export type MessagesPage = z.infer<typeof messagesPageSchema>;
export type ShownHistory = z.infer<typeof shownHistorySchema>;
export type TurnAnswer = z.infer<typeof turnSchema>;
export type ServerInfo = z.infer<typeof serverInfoSchema>;
export type SessionEvent = z.infer<typeof sessionEventSchema>;
export type ConversationExport = z.infer<typeof conversationExportSchema>;
export type ProblemDocument = z.infer<typeof problemSchema>;
/** As a client meets one: what stands between it and the server may answer without a code. */
export type Problem = z.infer<typeof anyProblem>;
export type StreamEvent = z.infer<typeof streamEventSchema>;
