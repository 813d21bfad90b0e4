/** One client: does one random thing after the other in its own sessions, and goes on where a kill interrupted it. */
import { setTimeout as delay } from 'node:timers/promises';

import type { Problem } from '@timmy-tower/contract';

import { CUT, call } from './http.ts';
import type { Forget, KnownInvoice, KnownSession, Turn } from './journal.ts';
import { openSession, payInvoice, topUp } from './payments.ts';
import type { Random } from './random.ts';
import type { Scene } from './scene.ts';
import { newTurn } from './new-turn.ts';
import { noteAnswer, type SendOptions, sendTurn } from './send-turn.ts';

const SESSIONS_PER_CLIENT = 3;
const PAUSE_MS = 20;

const things = [
  'plain turn',
  'streamed turn',
  'same turn twice at once',
  'two turns at once',
  'cancelled turn',
  'abandoned stream',
  'retry',
  'replay',
  'other body',
  'read',
  'top up',
  'new session',
  'forget',
] as const;
const weights: ReadonlyArray<readonly [(typeof things)[number], number]> = [
  ['plain turn', 20],
  ['streamed turn', 20],
  ['same turn twice at once', 8],
  ['two turns at once', 6],
  ['cancelled turn', 8],
  ['abandoned stream', 5],
  ['retry', 20],
  ['replay', 6],
  ['other body', 2],
  ['read', 6],
  ['top up', 8],
  ['new session', 4],
  ['forget', 2],
];

export class Client {
  readonly #scene: Scene;
  readonly #name: string;
  readonly #sessions: KnownSession[] = [];
  #random: Random;
  #said = 0;

  constructor(scene: Scene, name: string, random: Random) {
    this.#scene = scene;
    this.#name = name;
    this.#random = random;
  }

  /** Does one thing after the other until told to stop. */
  async work(random: Random, stopped: () => boolean): Promise<void> {
    this.#random = random;
    while (!stopped()) {
      await this.#doSomething();
      if (random.chance(0.3)) await delay(random.whole(1, PAUSE_MS));
    }
  }

  async #doSomething(): Promise<void> {
    if (this.#sessions.length === 0) return this.#openSession();
    const session = this.#random.pick(this.#sessions);
    session.step += 1;
    const thing = this.#random.weighted(weights);
    switch (thing) {
      case 'plain turn':
        return void (await this.#send(session, this.#newTurn(session), { streamed: false }));
      case 'streamed turn':
        return void (await this.#send(session, this.#newTurn(session), { streamed: true }));
      case 'same turn twice at once':
        return this.#sameTwice(session);
      case 'two turns at once':
        return this.#twoAtOnce(session);
      case 'cancelled turn':
        return this.#cancelled(session);
      case 'abandoned stream':
        return this.#abandoned(session);
      case 'retry':
        return this.#retry(session);
      case 'replay':
        return this.#replay(session);
      case 'other body':
        return this.#otherBody(session);
      case 'read':
        return this.#read(session);
      case 'top up':
        return this.#topUp(session);
      case 'new session':
        return this.#openSession();
      case 'forget':
        return this.#forget(session);
    }
  }

  async #openSession(): Promise<void> {
    if (this.#sessions.length >= SESSIONS_PER_CLIENT) this.#sessions.shift();
    const session = await openSession(this.#scene, this.#random);
    if (!session) return delay(PAUSE_MS);
    this.#sessions.push(session);
    if (this.#random.chance(0.95)) await payInvoice(this.#scene, session.invoices[0]!, this.#random);
  }

  async #topUp(session: KnownSession): Promise<void> {
    const old = this.#random.pick(session.invoices);
    const invoice: KnownInvoice | undefined = this.#random.chance(0.3)
      ? old
      : await topUp(this.#scene, session, this.#random);
    if (invoice) await payInvoice(this.#scene, invoice, this.#random);
  }

  #newTurn(session: KnownSession, keyed = this.#random.chance(0.6)): Turn {
    this.#said += 1;
    return newTurn(session, { name: `${this.#name}-${this.#said}`, keyed, random: this.#random });
  }

  #send(session: KnownSession, turn: Turn, options: Omit<SendOptions, 'server'>): Promise<string> {
    return sendTurn(this.#scene, session, turn, { server: this.#scene.pickServer(this.#random), ...options });
  }

  async #sameTwice(session: KnownSession): Promise<void> {
    const turn = this.#newTurn(session, true);
    const streamed = this.#random.chance(0.5);
    await Promise.all([this.#send(session, turn, { streamed }), this.#send(session, turn, { streamed: false })]);
  }

  async #twoAtOnce(session: KnownSession): Promise<void> {
    const turns = [this.#newTurn(session), this.#newTurn(session)];
    await Promise.all(turns.map((turn) => this.#send(session, turn, { streamed: this.#random.chance(0.5) })));
  }

  async #cancelled(session: KnownSession): Promise<void> {
    const turn = this.#newTurn(session);
    const waitMs = this.#random.whole(0, 60);
    let cancelling = Promise.resolve();
    const onStart = (requestId: string) => {
      cancelling = delay(waitMs).then(() => this.#cancel(session, turn, requestId));
    };
    await this.#send(session, turn, { streamed: true, onStart });
    await cancelling;
  }

  async #cancel(session: KnownSession, turn: Turn, requestId: string): Promise<void> {
    const path = `/sessions/${session.id}/requests/${requestId}/cancel`;
    const answer = await call(this.#scene.pickServer(this.#random), path, { method: 'POST', key: session.key });
    this.#scene.counts.cancels += 1;
    if (answer === CUT || answer.status !== 200) return;
    const { request }: { request: { state: string } } = JSON.parse(answer.text);
    if (['completed', 'incomplete'].includes(request.state))
      noteAnswer(this.#scene, { session, turn, text: answer.text });
  }

  async #abandoned(session: KnownSession): Promise<void> {
    await this.#send(session, this.#newTurn(session), { streamed: true, leaveAfterWords: this.#random.whole(1, 5) });
  }

  /** Those of which no answer came, with the same key and the same body. */
  async #retry(session: KnownSession): Promise<void> {
    const open = session.turns.filter(
      ({ state, idempotencyKey }) => idempotencyKey !== undefined && state !== 'answered',
    );
    if (open.length === 0) return;
    const turn = this.#random.pick(open);
    if (turn.state !== 'whole') turn.lastStep = session.step;
    this.#scene.counts.retries += 1;
    await this.#send(session, turn, { streamed: this.#random.chance(0.5) });
  }

  async #replay(session: KnownSession): Promise<void> {
    const answered = answeredWithKey(session);
    if (answered.length === 0) return;
    await this.#send(session, this.#random.pick(answered), { streamed: this.#random.chance(0.5) });
  }

  async #otherBody(session: KnownSession): Promise<void> {
    const answered = answeredWithKey(session);
    if (answered.length === 0) return;
    const { idempotencyKey = '' } = this.#random.pick(answered);
    const answer = await call(this.#scene.pickServer(this.#random), `/sessions/${session.id}/request`, {
      key: session.key,
      body: JSON.stringify({ content: 'Something else' }),
      headers: { 'idempotency-key': idempotencyKey },
    });
    if (answer === CUT || answer.status === 503) return;
    const { code }: Problem = JSON.parse(answer.text);
    if (code !== 'idempotency-mismatch') {
      this.#scene.report('3: a key is good for one body', [session.id, `status ${answer.status}`]);
    }
  }

  async #read(session: KnownSession): Promise<void> {
    const server = this.#scene.pickServer(this.#random);
    const path = this.#random.pick(['', '/messages', '/messages?order=desc&limit=3']);
    await call(server, `/sessions/${session.id}${path}`, { key: session.key });
  }

  async #forget(session: KnownSession): Promise<void> {
    const forget: Forget = { sentAtMs: Date.now() };
    session.forgets.push(forget);
    const path = `/sessions/${session.id}/messages`;
    const answer = await call(this.#scene.pickServer(this.#random), path, { method: 'DELETE', key: session.key });
    if (answer === CUT || answer.status === 503) return; // the round's end tells when it can no longer happen
    if (answer.status === 204) {
      forget.acknowledgedAtMs = Date.now();
      this.#scene.counts.forgets += 1;
    } else session.forgets.splice(session.forgets.indexOf(forget), 1);
  }
}

const answeredWithKey = ({ turns }: KnownSession) =>
  turns.filter(({ state, idempotencyKey }) => idempotencyKey !== undefined && state === 'answered');
