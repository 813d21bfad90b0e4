/** Freezes a server inside every use of a lock, and lets somebody else hold every kind of row. */
import { checkPayments } from '../check-payments.ts';
import { checkRows } from '../check-rows.ts';
import type { KnownSession } from '../journal.ts';
import { openFundedSession } from '../open-funded-session.ts';
import { openScene } from '../open-scene.ts';
import { Random } from '../random.ts';
import { bringLookupsForward, endLeases, untilRecovered } from '../recovery.ts';
import { freezeInside, type FreezeTrial, type Frozen } from './freeze-inside.ts';
import { type HeldRow, heldRows, holdRow } from './hold-row.ts';
import { startTwoServers } from './servers.ts';
import { type Place, places } from './statement-gate.ts';
import { type Use, uses } from './uses.ts';

const STRANGERS = 4;
const MOST_STATEMENTS = 8;
const NOBODY_BLOCKED_MS = 60_000;
/** Longer than a lease. */
const ROW_HELD_MS = 18_000;

export type FreezeCase =
  | { readonly kind: 'frozen'; readonly use: Use; readonly place: Place }
  | { readonly kind: 'held'; readonly row: HeldRow; readonly heldMs: number };

export const nameOf = (freezeCase: FreezeCase) =>
  freezeCase.kind === 'held' ? `somebody holds ${freezeCase.row.name}` : `${freezeCase.use.name}, ${freezeCase.place}`;

/** Everything that can be frozen or held, in the order of the seed. */
export function listCases(seed: string): FreezeCase[] {
  const frozen = uses.flatMap((use) => places.map((place) => ({ kind: 'frozen' as const, use, place })));
  const held = heldRows.map((row) => ({ kind: 'held' as const, row, heldMs: ROW_HELD_MS }));
  const cases: FreezeCase[] = [...frozen, ...held];
  return new Random(seed).fork('cases').sample(cases, cases.length);
}

export interface OpenFreezeTrial extends FreezeTrial, AsyncDisposable {
  readonly freezes: number;
  /** One case to its end: each statement of a use. What is not kept is reported to the scene. */
  run(freezeCase: FreezeCase, onFrozen: (what: string, frozen: Omit<Frozen, 'statement'>) => void): Promise<void>;
  /** The books, once everything has recovered. */
  check(): Promise<void>;
}

export interface FreezeTrialOptions {
  readonly seed: string;
  readonly checkout?: string | undefined;
  /** How long after the blow a backend may be blocked. */
  readonly blockedMs?: number;
}

export async function openFreezeTrial({
  seed,
  checkout,
  blockedMs = NOBODY_BLOCKED_MS,
}: FreezeTrialOptions): Promise<OpenFreezeTrial> {
  await using opening = new AsyncDisposableStack();
  const scene = await openScene(opening);
  const servers = await startTwoServers(scene, { opening, checkout });
  const random = new Random(seed);
  const strangers: KnownSession[] = [];
  while (strangers.length < STRANGERS) strangers.push(await openFundedSession(scene, random));
  const trial: FreezeTrial = { scene, servers, strangers, blockedMs };
  let freezes = 0;
  const opened = opening.move();
  return {
    ...trial,
    get freezes() {
      return freezes;
    },
    async run(freezeCase, onFrozen) {
      if (freezeCase.kind === 'held') {
        freezes += 1;
        onFrozen(nameOf(freezeCase), await holdRow(trial, { ...freezeCase, random }));
        return;
      }
      const { use, place } = freezeCase;
      for (let nth = 1; nth <= (use.most ?? MOST_STATEMENTS); nth += 1) {
        const frozen = await freezeInside(trial, { use, place, nth, random });
        if (!frozen) return;
        freezes += 1;
        onFrozen(`${nameOf(freezeCase)} ${frozen.statement}`, frozen);
      }
    },
    async check() {
      await endLeases(scene);
      await bringLookupsForward(scene);
      await untilRecovered(scene);
      await checkRows(scene);
      await checkPayments(scene);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
