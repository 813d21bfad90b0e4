/** What everyone in a trial shares. */
import { EventEmitter } from 'node:events';

import type { SimulatedWallet } from '@timmy-tower/lightning';

import type { TrialDatabase } from './database.ts';
import type { Journal } from './journal.ts';
import type { Random } from './random.ts';
import type { ServerProcess } from './server-process.ts';

/** What happens, for whoever waits for the moment to strike. */
export interface Moments {
  sent: [];
  started: [];
  word: [];
  answered: [];
  paying: [];
}
export type Moment = keyof Moments;

export interface Counts {
  kills: number;
  turns: number;
  answered: number;
  cut: number;
  fenced: number;
  retries: number;
  replays: number;
  cancels: number;
  forgets: number;
  sessions: number;
  deposits: number;
  checkedAnswers: number;
}

/** A promise that was not kept. It names rows, never what they say. */
export interface Violation {
  readonly promise: string;
  readonly rows: readonly string[];
}

export class Scene {
  readonly directory: string;
  readonly database: TrialDatabase;
  /** The servers' own wallet, by way of its directory: to pay while no server runs, and to look up what was paid. */
  readonly wallet: SimulatedWallet;
  readonly journal: Journal;
  readonly moments = new EventEmitter<Moments>();
  readonly violations: Violation[] = [];
  readonly counts: Counts = {
    kills: 0,
    turns: 0,
    answered: 0,
    cut: 0,
    fenced: 0,
    retries: 0,
    replays: 0,
    cancels: 0,
    forgets: 0,
    sessions: 0,
    deposits: 0,
    checkedAnswers: 0,
  };
  servers: ServerProcess[] = [];
  round = 0;
  /** Servers of two versions answer. */
  twoVersions = false;
  /** How long the last start took. */
  startMs = 1000;

  constructor({ directory, database, wallet, journal }: Pick<Scene, 'directory' | 'database' | 'wallet' | 'journal'>) {
    this.directory = directory;
    this.database = database;
    this.wallet = wallet;
    this.journal = journal;
  }

  /** A server that is up, as far as anyone can know. */
  pickServer(random: Random): ServerProcess {
    const up = this.servers.filter((server) => !server.frozen);
    return random.pick(up.length > 0 ? up : this.servers);
  }

  report(promise: string, rows: readonly string[]): void {
    this.violations.push({ promise, rows });
  }
}
