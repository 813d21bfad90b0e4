/** The only reader of the environment, and every setting. */
import { isIP } from 'node:net';

import { type AgentSettings, checkAgentSettings, isModel } from '@timmy-tower/agent';
import type { RequestLimits } from '@timmy-tower/contract';
import { unknownUrlOptions } from '@timmy-tower/db';
import { checkWalletUrl } from '@timmy-tower/lightning';
import { z } from 'zod';

import { findNearMisses } from './near-misses.ts';
import { type Environment, type Fault, readSettings } from './read-settings.ts';

const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.int().min(min).max(max));
const msat = z
  .string()
  .regex(/^\d{1,12}$/, 'must be a whole number of millisatoshis, zero or more')
  .transform(BigInt);
const text = z.string();
/** Sent in a header, which holds no spaces and no other letters. */
const key = text.regex(/^[\x21-\x7E]+$/, 'must be one word, without spaces or letters that are no ASCII');
const url = (protocol: RegExp, like: string) =>
  z.url({ protocol, error: `must be a URL like ${like}` }); /* a url may hold a password: it is never repeated */
/** A URL ends its user and password at the first / ? or #: with one of these in a password, its rest passes for the path. */
const passwordSpills = (value: string) => /[/?#].*@/.test(value.replace(/^\w+:\/\//, ''));

const isHost = (value: string) => isIP(value) > 0 || /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/.test(value);
/** As a browser says it: no path, no slash at its end, no port that is the scheme's own. */
const isOrigin = (value: string) =>
  URL.canParse(value) && /^https?:[^*]+$/.test(value) && new URL(value).origin === value;
const origins = z
  .string()
  .transform((value) => value.split(',').map((one) => one.trim()))
  .refine(
    (all) => (all.length === 1 && all[0] === '*') || all.every(isOrigin),
    'must be * alone, or origins like https://example.org with commas between: no path, no slash at the end',
  );

/** Every setting with its default: the README's table is made from this. */
export const settingsSchema = z.object({
  PORT: whole(0, 65_535).default(3000).meta({ description: 'Where to listen; `0` takes a free port' }),
  HOST: text
    .refine(isHost, 'must be an address or a name alone, such as 127.0.0.1: the port is PORT’s')
    .default('127.0.0.1')
    .meta({ description: 'The address to listen on; `0.0.0.0` for every one' }),
  DATABASE_URL: url(/^postgres(ql)?$/, 'postgres://user:password@host:5432/database')
    .refine((value) => !passwordSpills(value), 'needs / ? and # in its user or password written as %2F %3F and %23')
    .optional()
    .meta({ description: 'A PostgreSQL; unset, one of its own in `./.data/postgres`' }),
  DATABASE_POOLER: z.enum(['transaction'], 'must be transaction, or unset').optional().meta({
    description: '`transaction`: it is reached through PgBouncer or the like, with `pool_mode = transaction`',
  }),
  DATABASE_POOL_SIZE: whole(1, 1000)
    .default(10)
    .meta({ description: 'Connections to it at most, and one more for what must not wait' }),
  WALLET_URL: text.default('simulated:').meta({
    description:
      'The Lightning wallet; `simulated:` moves no real money, and `simulated:?allow-production` does not in production either',
  }),
  MODEL: text
    .refine(isModel, 'must be demo, anthropic/<model>, openai/<model> or openai-compatible/<model>')
    .default('demo')
    .meta({ description: '`demo` (offline), `anthropic/<model>`, `openai/<model>` or `openai-compatible/<model>`' }),
  ANTHROPIC_API_KEY: key.optional().meta({ description: 'For `anthropic/…`' }),
  OPENAI_API_KEY: key
    .optional()
    .meta({ description: 'For `openai/…`, and `openai-compatible/…` where it asks for one' }),
  OPENAI_BASE_URL: url(/^https?$/, 'http://127.0.0.1:11434/v1')
    .refine((value) => !value.includes('@'), 'must hold no user and no password: OPENAI_API_KEY is for that')
    .optional()
    .meta({ description: 'Any compatible server: Ollama, vLLM, llama.cpp, OpenRouter' }),
  AGENT_NAME: text.max(100).default('Timmy').meta({ description: 'Who answers' }),
  AGENT_INSTRUCTIONS: text
    .default('Answer plainly and briefly. When you list steps, number them. Say so when you do not know.')
    .meta({ description: 'The system prompt, after the name' }),
  HISTORY_MAX_MESSAGES: whole(0, 10_000).default(8).meta({ description: 'Earlier messages shown to the model' }),
  HISTORY_TOKEN_BUDGET: whole(0, 10_000_000).default(4000).meta({ description: 'Their tokens at most' }),
  HISTORY_RECALL_TOKENS: whole(0, 10_000_000).default(1000).meta({
    description: 'Of the token budget, for earlier messages that fit the question; half of it at most, 0 is off',
  }),
  HISTORY_MAX_MESSAGES_LIMIT: whole(0, 10_000).default(200).meta({ description: 'The most one request may ask for' }),
  HISTORY_TOKEN_BUDGET_LIMIT: whole(0, 10_000_000)
    .default(32_000)
    .meta({ description: 'The most one request may ask for' }),
  PRICE_INPUT_MSAT_PER_KTOKEN: msat.default(3000n).meta({ description: 'msat per 1000 tokens shown to the model' }),
  PRICE_OUTPUT_MSAT_PER_KTOKEN: msat.default(15_000n).meta({ description: 'msat per 1000 tokens it replies' }),
  MAX_OUTPUT_TOKENS: whole(1, 1_000_000).default(1024).meta({ description: 'The longest reply, and the default' }),
  MODEL_SILENCE_SECONDS: whole(1, 3600).default(60).meta({
    description: 'Without a byte for so long, a model broke off; before its first word it may take five times as long',
  }),
  MODEL_TOTAL_SECONDS: whole(1, 86_400)
    .default(600)
    .meta({ description: 'A reply that takes longer is cut (`too-long`), and charged by what was said' }),
  NEW_SESSIONS_PER_MINUTE: whole(1, 1_000_000).default(30).meta({ description: 'Per address' }),
  TRUST_PROXY: whole(0, 100).default(0).meta({
    description:
      'How many proxies of yours stand in front: `X-Forwarded-For` is believed that far, and not at all with `0`',
  }),
  CORS_ORIGINS: origins.default([]).meta({
    description: 'Whose pages may call from a browser: origins like `https://example.org`, with commas between, or `*`',
  }),
  MIN_DEPOSIT_SATS: whole(1, 1_000_000_000).default(10).meta({ description: 'The smallest invoice' }),
  MAX_DEPOSIT_SATS: whole(1, 1_000_000_000).default(1_000_000).meta({ description: 'The largest invoice' }),
  SESSION_IDLE_DAYS: whole(1, 36_500)
    .default(30)
    .meta({ description: 'Idle this long, a session expires; its balance stays, and any payment revives it' }),
  NODE_ENV: text
    .refine((value) => value === 'production' || !/^prod/i.test(value), 'must be written production, if that is meant')
    .optional()
    .meta({ description: '`production`: the money is meant to be real, so `simulated:` does not start' }),
});

const databaseSchema = settingsSchema.pick({ DATABASE_URL: true, DATABASE_POOLER: true });

type Settings = z.infer<typeof settingsSchema>;
export type DatabaseSettings = z.infer<typeof databaseSchema>;

export interface Config {
  readonly settings: Settings;
  readonly production: boolean;
  /** What was set and does nothing, a sentence each. */
  readonly warnings: readonly string[];
}

/** @throws {ConfigError} naming every bad setting at once */
export function loadConfig(env: Environment = process.env): Config {
  const { settings, warnings } = read(settingsSchema, env, findContradictions);
  return { settings, warnings, production: isProduction(settings) };
}

/** For a command that needs no more than the database: the others' faults are not in its way. @throws {ConfigError} */
export const loadDatabaseConfig = (
  env: Environment = process.env,
): Pick<Config, 'warnings'> & { settings: DatabaseSettings } => read(databaseSchema, env, findPoolerFaults);

function read<T extends z.ZodObject>(schema: T, env: Environment, findFaults: (settings: z.infer<T>) => Fault[]) {
  const warnings = findIgnored(env);
  return { settings: readSettings(schema, env, { findFaults, warnings }), warnings };
}

const isProduction = ({ NODE_ENV }: Pick<Settings, 'NODE_ENV'>) => NODE_ENV === 'production';

function findContradictions(settings: Settings): Fault[] {
  const atMost = (
    name: keyof Settings,
    limit: 'HISTORY_MAX_MESSAGES_LIMIT' | 'HISTORY_TOKEN_BUDGET_LIMIT' | 'MAX_DEPOSIT_SATS',
  ): Fault[] =>
    Number(settings[name]) <= settings[limit]
      ? []
      : [{ name, message: `must not be above ${limit} (${settings[limit]})` }];
  return [
    ...atMost('HISTORY_MAX_MESSAGES', 'HISTORY_MAX_MESSAGES_LIMIT'),
    ...atMost('HISTORY_TOKEN_BUDGET', 'HISTORY_TOKEN_BUDGET_LIMIT'),
    ...atMost('MIN_DEPOSIT_SATS', 'MAX_DEPOSIT_SATS'),
    ...findPoolerFaults(settings),
    ...faultOf('WALLET_URL', () => checkWalletUrl(settings.WALLET_URL, { production: isProduction(settings) })),
    ...faultOf('MODEL', () => checkAgentSettings(agentSettings(settings))),
  ];
}

const findPoolerFaults = ({ DATABASE_POOLER, DATABASE_URL }: DatabaseSettings): Fault[] =>
  DATABASE_POOLER && !DATABASE_URL
    ? [{ name: 'DATABASE_POOLER', message: 'needs DATABASE_URL: the pooler’s own' }]
    : [];

/** In the words of whoever opens it. */
function faultOf(name: string, check: () => void): Fault[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const { message } = error;
    return [{ name, message: message.startsWith(`${name} `) ? message.slice(name.length + 1) : message }];
  }
}

function findIgnored(env: Environment): string[] {
  const names = Object.keys(env).filter((name) => env[name]?.trim());
  const misses = findNearMisses(names, Object.keys(settingsSchema.shape));
  const options = unknownUrlOptions(env['DATABASE_URL']?.trim() ?? '').filter((option) => /^\w{1,40}$/.test(option));
  return [
    ...misses.map(({ name, setting }) => `${name} is no setting, so it does nothing. Did you mean ${setting}?`),
    ...options.map((option) => `DATABASE_URL’s option ${option} is not known here, so it does nothing.`),
  ];
}

/** What an agent is opened with. */
export const agentSettings = (settings: Settings): AgentSettings => ({
  model: settings.MODEL,
  agentName: settings.AGENT_NAME,
  instructions: settings.AGENT_INSTRUCTIONS,
  anthropicApiKey: settings.ANTHROPIC_API_KEY,
  openaiApiKey: settings.OPENAI_API_KEY,
  openaiBaseUrl: settings.OPENAI_BASE_URL,
});

export function requestLimits({ settings }: Pick<Config, 'settings'>): RequestLimits {
  return {
    minDepositSats: settings.MIN_DEPOSIT_SATS,
    maxDepositSats: settings.MAX_DEPOSIT_SATS,
    maxOutputTokens: settings.MAX_OUTPUT_TOKENS,
    history: {
      maxMessages: settings.HISTORY_MAX_MESSAGES,
      tokenBudget: settings.HISTORY_TOKEN_BUDGET,
      recallTokens: settings.HISTORY_RECALL_TOKENS,
    },
    historyLimit: {
      maxMessages: settings.HISTORY_MAX_MESSAGES_LIMIT,
      tokenBudget: settings.HISTORY_TOKEN_BUDGET_LIMIT,
    },
  };
}
