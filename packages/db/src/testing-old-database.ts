/** Databases that were not made by this code: empty ones, and those that earlier versions left. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import type { Message, Session, TurnAnswer } from '@timmy-tower/contract';
import pg from 'pg';

import { administer, withDatabase } from './testing-administer.ts';

export interface UnmigratedDatabase {
  readonly url: string;
  /** Drops it, whoever is still connected. */
  readonly close: () => Promise<void>;
}

/** What the server of the old version answered, by the names of the scenes that made it. */
export interface OldAnswers {
  readonly version: string;
  /** The simulated wallet that made the invoices. */
  readonly walletSeed: string;
  readonly sessions: Readonly<Record<string, OldSession>>;
  /** Histories without payments. */
  readonly histories: Readonly<
    Record<string, { readonly sessionId: string; readonly messages: readonly OldMessage[] }>
  >;
}

export interface OldSession {
  readonly key: string;
  readonly session: Session;
  readonly invoices: readonly { readonly paymentHash: string; readonly bolt11: string }[];
  readonly messages: readonly Message[];
  readonly turns: readonly OldTurn[];
}

export interface OldTurn {
  readonly idempotencyKey: string;
  readonly body: { readonly content: string; readonly maxOutputTokens?: number };
  readonly answer: TurnAnswer;
}

type OldMessage = Pick<Message, 'id' | 'role' | 'content'>;

export async function openEmptyDatabase(): Promise<UnmigratedDatabase> {
  const server = process.env['TEST_DATABASE_TEMPLATE_URL'];
  if (!server) throw new Error('No test server: is testing-server.ts among the vitest project’s globalSetup files?');
  const name = `unmigrated_${randomUUID().replaceAll('-', '')}`;
  await administer(server, `CREATE DATABASE ${name} STRATEGY FILE_COPY`);
  return {
    url: withDatabase(server, name),
    close: () => administer(server, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}

/** The versions of which a database is kept: each is one that people may still have. */
export const oldVersions = ['0.1.0', '0.2.0', '0.3.0'] as const;
/** The version before this one: its servers may be at work on the database still. */
export const VERSION_BEFORE = '0.3.0';

/** The database of an earlier version that is kept: whoever opens it migrates it. */
export async function openOldDatabase(
  version: (typeof oldVersions)[number] = VERSION_BEFORE,
): Promise<UnmigratedDatabase & { readonly answers: OldAnswers }> {
  const folder = new URL(`../test/fixture-${version}/`, import.meta.url);
  const database = await openEmptyDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(await readFile(new URL('database.sql', folder), 'utf8'));
  await client.end();
  const answers: OldAnswers = JSON.parse(await readFile(new URL('answers.json', folder), 'utf8'));
  return { ...database, answers };
}
