/** What a session's money did, and what a turn would do to it. */
import { z } from 'zod';

import { id, messagesQuery, msat, shownHistorySchema, time } from './api.ts';

export const ledgerQuery = messagesQuery.extend({
  after: id.optional().meta({ description: 'The id of the last entry of the previous page' }),
  order: z.enum(['asc', 'desc']).default('desc'),
});

export const ledgerEntrySchema = z
  .object({
    id,
    kind: z.string().meta({
      description:
        '`deposit`: a payment that came in. `charge`: what a request cost. There will be more kinds: a client shows one that ' +
        'it does not know by its amount, and does not break on it',
      example: 'charge',
    }),
    amountMsat: z
      .int()
      .meta({ description: 'What it adds to the balance, in millisatoshis: negative where it takes from it' }),
    requestId: id.nullable().meta({ description: 'Of a charge: the request that was paid for' }),
    createdAt: time,
  })
  .meta({ id: 'LedgerEntry' });

export const ledgerPageSchema = z
  .object({ entries: z.array(ledgerEntrySchema), hasMore: z.boolean() })
  .meta({ id: 'LedgerPage' });

export const turnEstimateSchema = z
  .object({
    leastMsat: msat.meta({
      description:
        'What is shown of the conversation in any case, and what is said, in millisatoshis, without a word of reply',
    }),
    holdMsat: msat.nullable().meta({
      description: 'What the turn would hold, and so cost at most, in millisatoshis; null where it is too short',
    }),
    requiredMsat: msat.meta({ description: 'With less than this, in millisatoshis, the turn would not be let in' }),
    availableMsat: msat.meta({ description: 'The balance in millisatoshis without what is held' }),
    maxOutputTokens: z.int().positive().meta({
      description: 'The longest reply that the hold pays for: fewer tokens than asked for where little is available',
    }),
    short: z.enum(['balance']).nullable().meta({
      description: '`balance`: it does not cover the turn, whose answer would be 402; null: it would be let in',
    }),
    history: shownHistorySchema,
  })
  .meta({
    id: 'TurnEstimate',
    description:
      'What a turn would hold, cost and show now, as this server counts; a model’s provider may count otherwise, and the charge ' +
      'never exceeds the hold. What would be recalled is not looked for: the hold has room for as much as it may have, and ' +
      '`history` counts none of it (`recalled` is 0)',
  });

export type LedgerQuery = z.infer<typeof ledgerQuery>;
export type LedgerPage = z.infer<typeof ledgerPageSchema>;
export type TurnEstimate = z.infer<typeof turnEstimateSchema>;
