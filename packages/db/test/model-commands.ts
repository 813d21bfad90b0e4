/** The commands that fast-check strings together: one action in one session, or several at once in the same. */
import { isDeepStrictEqual } from 'node:util';

import fc from 'fast-check';
import { expect } from 'vitest';

import { sqlState } from '../src/pg-error.ts';
import { type Database, inTransaction, lockSession } from '../src/transaction.ts';
import { countWaiting } from './fixtures.ts';
import type { Model } from './model.ts';
import type { Action } from './model-actions.ts';
import { expectedState, readState } from './model-state.ts';
import { anyRound, anyStep, anyWrite, type Step, weightedValues } from './model-steps.ts';

export interface Real {
  readonly database: Database;
  /** What was answered to what: runs that come nowhere show nothing. */
  readonly answers: Set<string>;
}

export type Command = fc.AsyncCommand<Model, Real>;

const chosen = ({ sessions }: Model, index: number) => sessions[index % sessions.length]!;

const command = (text: string, run: Command['run']): Command => ({ check: () => true, run, toString: () => text });

function doOne(index: number, step: Step): Command {
  return command(`in ${index}: ${step.text}`, async (model, { database, answers }) => {
    const action = step.in(chosen(model, index), model);
    if (!action) return;
    const answer = await action.call(database);
    answers.add(`${step.name}: ${kindOf(answer)}`);
    expect(answer).toEqual(action.expected(model));
    expect(await readState(database, model)).toEqual(expectedState(model));
  });
}

/** Several at once in one session. There must be an order in which the model answers the same and ends up the same. */
function doAtOnce(index: number, steps: readonly Step[], gated: boolean): Command {
  const how = gated ? 'at once, behind a gate' : 'at once';
  const texts = steps.map((step) => step.text);
  return command(`in ${index}, ${how}: [${texts.join(', ')}]`, async (model, { database, answers }) => {
    const inSession = chosen(model, index);
    const begun = steps.flatMap((step) => {
      const action = step.in(inSession, model);
      return action ? [{ name: step.name, action }] : [];
    });
    const start = () => begun.map(({ action }) => action.call(database).catch(refusal));
    const got = await (gated ? behindGate(database, inSession.id, start) : Promise.all(start()));
    for (const [place, { name }] of begun.entries()) answers.add(`${name}, at once: ${kindOf(got[place])}`);
    const state = await readState(database, model);
    const explanation = ordersOf(begun.length)
      .values()
      .map((order) => inOrder(model, order, begun))
      .find((end) => isDeepStrictEqual(end.answers, got) && isDeepStrictEqual(expectedState(end.model), state));
    if (explanation) model.sessions.splice(0, Infinity, ...explanation.model.sessions);
    else expectInOrderOf(begun, model, { answers: got, state });
  });
}

/** An answer in a word. */
function kindOf(answer: unknown): string {
  if (typeof answer === 'number') return answer === 0 ? 'none' : 'some';
  if (typeof answer !== 'object' || answer === null) return String(answer);
  if ('outcome' in answer) return String(answer.outcome);
  return Object.keys(answer).length === 0 ? 'none' : 'some';
}

const refusal = (error: unknown) => ({ refused: sqlState(error) ?? error });

/** What a copy of the model answers when these are done in this order, and what it has become. */
function inOrder(model: Model, order: readonly number[], begun: readonly { action: Action }[]) {
  const copy = structuredClone(model);
  const answers: unknown[] = [];
  for (const index of order) answers[index] = begun[index]!.action.expected(copy);
  return { answers, model: copy };
}

/** Fails, and shows how far it is from one of the orders, the one in which they were begun. */
function expectInOrderOf(begun: readonly { action: Action }[], model: Model, got: unknown): void {
  const end = inOrder(model, [...begun.keys()], begun);
  const inTurn = { answers: end.answers, state: expectedState(end.model) };
  expect(got, 'no order of these explains it').toEqual(inTurn);
}

/** Starts everything while the session's row is locked, and lets go once each has ended or waits for a lock. */
async function behindGate<T>(database: Database, sessionId: string, start: () => Promise<T>[]): Promise<T[]> {
  let calls: Promise<T>[] = [];
  await inTransaction(database, async (tx) => {
    await lockSession(tx, sessionId);
    let ended = 0;
    calls = start().map((call) => call.finally(() => (ended += 1)));
    const arrived = async () => (await countWaiting(database)) + ended;
    await expect.poll(arrived, { interval: 1 }).toBe(calls.length);
  });
  return Promise.all(calls);
}

function ordersOf(count: number): number[][] {
  if (count === 0) return [[]];
  return ordersOf(count - 1).flatMap((order) =>
    Array.from({ length: count }, (_, place) => order.toSpliced(place, 0, count - 1)),
  );
}

/** Which of the sessions. */
const session = weightedValues([3, 0], [3, 1], [1, 2]);

export const one: fc.Arbitrary<Command> = fc.tuple(session, anyStep).map((args) => doOne(...args));

const together = fc
  .tuple(fc.array(anyWrite, { minLength: 2, maxLength: 4 }), fc.option(anyRound, { freq: 2 }))
  .map(([steps, round]) => (round ? [round, ...steps] : steps));

export const severalAtOnce: fc.Arbitrary<Command> = fc
  .tuple(session, together, fc.boolean())
  .map((args) => doAtOnce(...args));
