/** What strangers do, and what they are told. */
export const kinds = ['reader', 'head', 'top-up', 'made-up key', 'long message', 'half a request'] as const;
export type Kind = (typeof kinds)[number];

/** By kind and status, how often; `0`: the connection was closed. */
export type Outcomes = Record<Kind, Record<number, number>>;

export function noOutcomes(): Outcomes {
  return { reader: {}, head: {}, 'top-up': {}, 'made-up key': {}, 'long message': {}, 'half a request': {} };
}

export function countOutcome(outcomes: Outcomes, kind: Kind, status: number): void {
  outcomes[kind][status] = (outcomes[kind][status] ?? 0) + 1;
}

export const totalOf = (counts: Readonly<Record<number, number>>) =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);
