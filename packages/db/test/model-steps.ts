/** Every action with arguments for fast-check to choose, and how often it is chosen. */
import fc from 'fast-check';

import type { Model, SessionModel } from './model.ts';
import * as actions from './model-actions.ts';
import type { Action } from './model-actions.ts';
import * as conversation from './model-conversation.ts';

/** An action with its arguments, for whichever session; undefined when the session has nothing to do it with. */
export interface Step {
  readonly name: string;
  readonly text: string;
  readonly in: (session: SessionModel, all: Model) => Action | undefined;
}

const step = <Args>(
  name: string,
  args: fc.Arbitrary<Args>,
  act: (session: SessionModel, args: Args, all: Model) => Action | undefined,
): fc.Arbitrary<Step> =>
  args.map((value) => ({
    name,
    text: `${name} ${fc.stringify(value)}`,
    in: (session, all) => act(session, value, all),
  }));

const content = fc.oneof({ weight: 4, arbitrary: fc.string({ maxLength: 16 }) }, fc.constant(''));
/** More than some prompts have room for. */
const longContent = fc.string({ minLength: 200, maxLength: 300 });
const words = fc.oneof({ weight: 9, arbitrary: content }, { weight: 1, arbitrary: longContent });
const text = fc.record({ content: words, promptTokens: fc.nat(6) });
const role = fc.constantFrom('user', 'assistant');
const message = fc.record({ role, content });
const bounds = fc.record({ maxMessages: fc.nat(8), tokenBudget: fc.nat(16) });
const turnBounds = fc.record({
  maxMessages: fc.nat(8),
  tokenBudget: fc.oneof(fc.nat(16), fc.integer({ min: 64, max: 96 })),
});
const price = fc.constantFrom(0n, 1000n, 1000n, 1501n);
const amount = fc.constantFrom(1000n, 2000n);
const received = fc.constantFrom(1n, 70n, 200n);
/** Not a number that is compared: fast-check tries the ends of a range more often than the rest. */
export const weightedValues = <T>(...choices: [weight: number, value: T][]) =>
  fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));
const rarely = weightedValues([9, false], [1, true]);
/** How far back from the newest. */
const back = weightedValues([7, 0], [2, 1], [1, 2]);
const aTurn = fc.tuple(back, rarely);

const idempotency = fc.record({
  key: weightedValues([3, 'one'], [1, 'two']),
  body: weightedValues([3, 'a'], [1, 'b']),
});
const plan = fc.record({
  wrongKey: rarely,
  idempotency: fc.option(idempotency, { nil: undefined, freq: 3 }),
  ownTokens: fc.nat(20),
  inputMsatPerKtoken: price,
  outputMsatPerKtoken: price,
  maxOutputTokens: fc.integer({ min: 1, max: 150 }),
  minOutputTokens: fc.constant(64),
  history: turnBounds,
  end: fc.record({
    incompleteReason: fc.constantFrom(undefined, undefined, 'cancelled' as const, 'balance' as const),
    chargeMsat: fc.bigInt({ min: 0n, max: 250n }),
    user: text,
    reply: text,
  }),
});

/** These write to one session alone, so that several at once must look like one after the other. */
const writes = {
  start: step('start', plan, actions.startTurn),
  settle: step('settle', aTurn, (session, [turn, stranger]) => actions.settle(session, turn, stranger)),
  release: step('release', aTurn, (session, [turn, stranger]) => actions.release(session, turn, stranger)),
  renew: step('renew', aTurn, (session, [turn, stranger]) => actions.renew(session, turn, stranger)),
  cancel: step('cancel', aTurn, (session, [turn]) => actions.cancel(session, turn, false)),
  pay: step('pay', fc.tuple(fc.option(back, { freq: 2 }), received), (session, [invoice, msat]) =>
    actions.pay(session, invoice, msat),
  ),
  append: step('append', fc.array(message, { minLength: 1, maxLength: 3 }), conversation.append),
  forget: step('forget', fc.constant(undefined), conversation.forget),
};

/** These look at every session, one after the other: two of them at once may share the work between them. */
const rounds = {
  sweep: step('sweep', fc.constant(undefined), () => actions.sweepAll),
  expire: step('expire', fc.constant(undefined), () => actions.expireAll),
};

const others = {
  open: step('open', fc.tuple(amount, rarely), (_session, [msat, dead], all) =>
    all.sessions.length < 3 ? actions.openSession(msat, dead) : undefined,
  ),
  addInvoice: step('add an invoice', fc.tuple(amount, fc.boolean()), (session, [msat, dead]) =>
    actions.addInvoiceTo(session, msat, dead),
  ),
  giveUp: step('give up an invoice', back, actions.giveUpInvoice),
  findPayable: step('find a payable invoice', amount, actions.findPayable),
  show: step('show', rarely, actions.show),
  startAgain: step('start again', fc.constant(undefined), actions.startAgain),
  letLeaseRunOut: step('let the lease run out', back, (session, turn) => actions.letLeaseRunOut(session, turn, false)),
  showRequest: step('show the request', back, (session, turn) => actions.showRequest(session, turn, false)),
  bringIn: step('bring in', fc.tuple(message, fc.constantFrom(-2, -1, 1)), (session, [said, day]) =>
    conversation.bringIn(session, said, day),
  ),
  readHistory: step('read the history', bounds, conversation.readHistory),
  listAll: step('list', fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom('asc', 'desc')), (session, args) =>
    conversation.listAll(session, ...args),
  ),
  beIdle: step('be idle', fc.constant(undefined), actions.beIdle),
  close: step('close', rarely, (session, really) => (really ? actions.close(session) : undefined)),
};

const weighted = <T>(weight: number, ...arbitraries: fc.Arbitrary<T>[]) =>
  arbitraries.map((arbitrary) => ({ weight, arbitrary }));

export const anyWrite = fc.oneof(
  ...weighted(4, writes.start, writes.settle),
  ...weighted(2, writes.pay, writes.release),
  ...weighted(1, writes.renew, writes.cancel, writes.append, writes.forget),
);
export const anyRound = fc.oneof(rounds.sweep, rounds.expire);
export const anyStep = fc.oneof(
  ...weighted(30, anyWrite),
  ...weighted(6, others.addInvoice, others.letLeaseRunOut),
  ...weighted(3, rounds.sweep, others.bringIn, others.readHistory, others.listAll, others.giveUp, others.beIdle),
  ...weighted(2, rounds.expire, others.startAgain, others.showRequest, others.show),
  ...weighted(1, others.open, others.findPayable, others.close),
);
