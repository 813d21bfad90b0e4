import { expect, test } from 'vitest';

import { loadConfig, loadDatabaseConfig, requestLimits, settingsSchema } from './config.ts';
import { ConfigError } from './read-settings.ts';

const faultsOf = (env: Record<string, string>): string[] => {
  try {
    loadConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').filter((line) => line.startsWith('  '));
  }
  return [];
};
const namesOf = (faults: string[]) => faults.map((fault) => /^ {2}(\w+):/.exec(fault)?.[1] ?? fault);

test('nothing set gives every default', () => {
  expect(loadConfig({})).toEqual({
    production: false,
    warnings: [],
    settings: {
      PORT: 3000,
      HOST: '127.0.0.1',
      DATABASE_POOL_SIZE: 10,
      WALLET_URL: 'simulated:',
      MODEL: 'demo',
      AGENT_NAME: 'Timmy',
      AGENT_INSTRUCTIONS: expect.stringMatching(/\w/),
      HISTORY_MAX_MESSAGES: 8,
      HISTORY_TOKEN_BUDGET: 4000,
      HISTORY_RECALL_TOKENS: 1000,
      HISTORY_MAX_MESSAGES_LIMIT: 200,
      HISTORY_TOKEN_BUDGET_LIMIT: 32_000,
      PRICE_INPUT_MSAT_PER_KTOKEN: 3000n,
      PRICE_OUTPUT_MSAT_PER_KTOKEN: 15_000n,
      MAX_OUTPUT_TOKENS: 1024,
      MODEL_SILENCE_SECONDS: 60,
      MODEL_TOTAL_SECONDS: 600,
      NEW_SESSIONS_PER_MINUTE: 30,
      TRUST_PROXY: 0,
      CORS_ORIGINS: [],
      MIN_DEPOSIT_SATS: 10,
      MAX_DEPOSIT_SATS: 1_000_000,
      SESSION_IDLE_DAYS: 30,
    },
  });
});

test('blank is the same as unset, for every setting', () => {
  const blanks = Object.fromEntries(Object.keys(settingsSchema.shape).map((name, n) => [name, n % 2 ? '' : ' \t\n']));
  expect(loadConfig(blanks)).toEqual(loadConfig({}));
});

test('what is set is taken, without the space around it, and nothing else is taken', () => {
  const { settings, production } = loadConfig({
    PORT: ' 8080 ',
    DATABASE_URL: 'postgresql://timmy:secret@db.example:6543/tower',
    MODEL: 'openai-compatible/llama',
    OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1',
    NODE_ENV: 'production',
    WALLET_URL: 'simulated:?allow-production',
    port: '1',
    TIMMY: 'x',
  });
  expect(production).toBe(true);
  expect(settings).toMatchObject({
    PORT: 8080,
    DATABASE_URL: 'postgresql://timmy:secret@db.example:6543/tower',
    MODEL: 'openai-compatible/llama',
    OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1',
  });
  expect(settings).not.toHaveProperty('TIMMY');
});

test('prices are bigints from 0 to just below a trillion, and exact', () => {
  const prices = { PRICE_INPUT_MSAT_PER_KTOKEN: '0', PRICE_OUTPUT_MSAT_PER_KTOKEN: '999999999999' };
  expect(loadConfig(prices).settings).toMatchObject({
    PRICE_INPUT_MSAT_PER_KTOKEN: 0n,
    PRICE_OUTPUT_MSAT_PER_KTOKEN: 999_999_999_999n,
  });
});

test.each(['1.5', '-1', '1e3', '0x10', '1_000', '٣', '1000000000000', 'NaN', '10 sats'])(
  'a price of %j is refused, not rounded or guessed at',
  (price) => {
    expect(namesOf(faultsOf({ PRICE_INPUT_MSAT_PER_KTOKEN: price }))).toEqual(['PRICE_INPUT_MSAT_PER_KTOKEN']);
  },
);

test.each([
  ['PORT', '0', '65535', '65536'],
  ['DATABASE_POOL_SIZE', '1', '1000', '0'],
  ['HISTORY_MAX_MESSAGES_LIMIT', '8', '10000', '10001'],
  ['MAX_OUTPUT_TOKENS', '1', '1000000', '0'],
  ['MODEL_SILENCE_SECONDS', '1', '3600', '0'],
  ['MODEL_TOTAL_SECONDS', '1', '86400', '86401'],
  ['NEW_SESSIONS_PER_MINUTE', '1', '1000000', '0'],
  ['SESSION_IDLE_DAYS', '1', '36500', '36501'],
  ['PORT', '0', '3000', '3000.0'],
  ['PORT', '0', '3000', '-1'],
])('%s may be %s or %s, and not %s', (name, least, most, beyond) => {
  expect(faultsOf({ [name]: least })).toEqual([]);
  expect(faultsOf({ [name]: most })).toEqual([]);
  expect(new Set(namesOf(faultsOf({ [name]: beyond })))).toEqual(new Set([name]));
});

test('every bad setting is named at once, and no value is repeated', () => {
  const bad = {
    PORT: 'hunter2',
    DATABASE_URL: 'mysql://root:hunter2@db/tower',
    DATABASE_POOLER: 'hunter2',
    DATABASE_POOL_SIZE: 'hunter2',
    OPENAI_BASE_URL: 'hunter2://x',
    AGENT_NAME: 'hunter2'.repeat(20),
    HISTORY_MAX_MESSAGES: 'hunter2',
    HISTORY_TOKEN_BUDGET: '-hunter2',
    HISTORY_RECALL_TOKENS: 'hunter2',
    HISTORY_MAX_MESSAGES_LIMIT: 'hunter2',
    HISTORY_TOKEN_BUDGET_LIMIT: 'hunter2',
    PRICE_INPUT_MSAT_PER_KTOKEN: 'hunter2',
    PRICE_OUTPUT_MSAT_PER_KTOKEN: 'hunter2',
    MAX_OUTPUT_TOKENS: 'hunter2',
    MODEL_SILENCE_SECONDS: 'hunter2',
    MODEL_TOTAL_SECONDS: 'hunter2',
    NEW_SESSIONS_PER_MINUTE: 'hunter2',
    TRUST_PROXY: 'hunter2',
    MIN_DEPOSIT_SATS: 'hunter2',
    MAX_DEPOSIT_SATS: 'hunter2',
    SESSION_IDLE_DAYS: 'hunter2',
    HOST: 'http://hunter2',
    WALLET_URL: 'lnd://hunter2@node',
    MODEL: 'sk-hunter2',
    OPENAI_API_KEY: 'sk hunter2',
    ANTHROPIC_API_KEY: 'sk-hunter2\nsk',
    NODE_ENV: 'Production-hunter2',
    CORS_ORIGINS: 'hunter2',
    AGENT_INSTRUCTIONS: '"hunter2"',
  };
  expect(Object.keys(bad).toSorted()).toEqual(Object.keys(settingsSchema.shape).toSorted());
  const faults = faultsOf(bad);
  expect(new Set(namesOf(faults))).toEqual(new Set(Object.keys(bad)));
  expect(faults.join('\n')).not.toContain('hunter2');
});

test('a pooler is one in front of a database that is named, and in transaction mode', () => {
  const DATABASE_URL = 'postgres://timmy:secret@pooler.example:6432/tower';
  expect(loadConfig({ DATABASE_URL, DATABASE_POOLER: 'transaction' }).settings.DATABASE_POOLER).toBe('transaction');
  expect(faultsOf({ DATABASE_URL, DATABASE_POOLER: 'session' })).toEqual([
    '  DATABASE_POOLER: must be transaction, or unset',
  ]);
  expect(faultsOf({ DATABASE_POOLER: 'transaction' })).toEqual([
    '  DATABASE_POOLER: needs DATABASE_URL: the pooler’s own',
  ]);
});

test.each([
  'postgres://timmy:12/hunter2@db.example/tower',
  'postgres://timmy:12?hunter2@db.example/tower',
  'postgres://timmy:12#hunter2@db.example/tower',
  'postgres://timmy:p@ss/hunter2@db.example/tower',
  'postgres://timmy/hunter2:x@db.example/tower',
])('a password that would be read as another part of the URL is refused, and not repeated: %s', (url) => {
  const faults = faultsOf({ DATABASE_URL: url });
  expect(faults).toEqual(['  DATABASE_URL: needs / ? and # in its user or password written as %2F %3F and %23']);
});

test.each([
  'postgres://timmy:p%2Fs%3Fs%23%40@db.example/tower?application_name=a',
  'postgres://timmy:p@ss@db.example/tower',
  'postgres:///tower?host=/var/run/postgresql',
  'postgres://timmy@%2Fvar%2Frun%2Fpostgresql/tower',
])('a database may be named by %s', (url) => {
  expect(faultsOf({ DATABASE_URL: url })).toEqual([]);
});

test('a model’s URL holds no password: an error would quote it', () => {
  const faults = faultsOf({ OPENAI_BASE_URL: 'http://timmy:hunter2@models.example/v1' });
  expect(faults).toEqual(['  OPENAI_BASE_URL: must hold no user and no password: OPENAI_API_KEY is for that']);
});

test('limits that contradict each other are named, against defaults too', () => {
  const contradictions = {
    HISTORY_MAX_MESSAGES: '300',
    HISTORY_TOKEN_BUDGET_LIMIT: '100',
    MIN_DEPOSIT_SATS: '500',
    MAX_DEPOSIT_SATS: '400',
  };
  expect(faultsOf(contradictions)).toEqual([
    '  HISTORY_MAX_MESSAGES: must not be above HISTORY_MAX_MESSAGES_LIMIT (200)',
    '  HISTORY_TOKEN_BUDGET: must not be above HISTORY_TOKEN_BUDGET_LIMIT (100)',
    '  MIN_DEPOSIT_SATS: must not be above MAX_DEPOSIT_SATS (400)',
  ]);
  expect(faultsOf({ MIN_DEPOSIT_SATS: '7', MAX_DEPOSIT_SATS: '7' })).toEqual([]);
});

test('contradictions are named together with settings that are bad by themselves', () => {
  const faults = faultsOf({
    MIN_DEPOSIT_SATS: '500',
    MAX_DEPOSIT_SATS: '400',
    MAX_OUTPUT_TOKENS: '0',
    DATABASE_URL: 'nowhere',
    HISTORY_MAX_MESSAGES_LIMIT: 'many',
  });
  expect(new Set(namesOf(faults))).toEqual(
    new Set(['DATABASE_URL', 'HISTORY_MAX_MESSAGES_LIMIT', 'MAX_OUTPUT_TOKENS', 'MIN_DEPOSIT_SATS']),
  );
});

test('what one request may ask for follows from the settings', () => {
  const config = loadConfig({ MAX_OUTPUT_TOKENS: '77', HISTORY_MAX_MESSAGES: '0', MIN_DEPOSIT_SATS: '1' });
  expect(requestLimits(config)).toEqual({
    minDepositSats: 1,
    maxDepositSats: 1_000_000,
    maxOutputTokens: 77,
    history: { maxMessages: 0, tokenBudget: 4000, recallTokens: 1000 },
    historyLimit: { maxMessages: 200, tokenBudget: 32_000 },
  });
});

test('a model and a wallet are looked at with the rest, whatever else is bad', () => {
  const faults = faultsOf({
    PORT: 'eighty',
    OPENAI_BASE_URL: 'nowhere',
    DATABASE_POOLER: 'transaction',
    NODE_ENV: 'production',
    MODEL: 'openai/gpt',
  });
  expect(faults).toEqual([
    expect.stringContaining('  PORT: must be a whole number'),
    expect.stringContaining('  OPENAI_BASE_URL: must be a URL'),
    '  DATABASE_POOLER: needs DATABASE_URL: the pooler’s own',
    expect.stringMatching(/^ {2}WALLET_URL: .* does not start in production: set WALLET_URL to a real wallet/),
    expect.stringMatching(/^ {2}MODEL: openai\/… needs a key: set OPENAI_API_KEY too/),
  ]);
});

test('a contradiction with a setting that is bad by itself is not told: mending that one may mend it', () => {
  const given = { MIN_DEPOSIT_SATS: '2000000', MAX_DEPOSIT_SATS: 'hunter2' };
  expect(namesOf(faultsOf(given))).toEqual(['MAX_DEPOSIT_SATS']);
  expect(namesOf(faultsOf({ MODEL: 'openai-compatible/llama', OPENAI_BASE_URL: 'hunter2' }))).toEqual([
    'OPENAI_BASE_URL',
  ]);
});

test.each(['"8080"', "'8080'"])('the quotes of %s count, where nobody takes them away', (PORT) => {
  expect(faultsOf({ PORT })).toEqual(['  PORT: is in quotes, and they count: take them away']);
});

test('what a file with the line ends of Windows leaves is taken away', () => {
  expect(loadConfig({ MODEL: 'demo\r', OPENAI_API_KEY: 'sk-test\r' }).settings.OPENAI_API_KEY).toBe('sk-test');
});

test.each(['127.0.0.1', '0.0.0.0', '::', '::1', 'localhost', 'my-host.example', 'my_container'])(
  'may listen on %s',
  (HOST) => expect(faultsOf({ HOST })).toEqual([]),
);

test.each(['127.0.0.1:3000', 'http://localhost', '[::1]', 'local host', '/run/timmy.sock'])(
  'does not listen on %s',
  (HOST) => expect(namesOf(faultsOf({ HOST }))).toEqual(['HOST']),
);

test.each(['prod', 'Production', 'PRODUCTION'])(
  'NODE_ENV=%s is not taken for something else than production',
  (value) => {
    expect(faultsOf({ NODE_ENV: value })).toEqual(['  NODE_ENV: must be written production, if that is meant']);
  },
);

test('a name that comes near a setting is told, beside the faults too, and never its value', () => {
  const near = { PROT: '4000', OPENAI_KEY: 'sk-hunter2' };
  const told = [
    'PROT is no setting, so it does nothing. Did you mean PORT?',
    'OPENAI_KEY is no setting, so it does nothing. Did you mean OPENAI_API_KEY?',
  ];
  expect(loadConfig(near).warnings).toEqual(told);
  expect(faultsOf({ ...near, MODEL: 'openai/gpt' })).toEqual([
    expect.stringContaining('MODEL: openai/… needs a key'),
    ...told.map((line) => `  ${line}`),
  ]);
  expect(loadConfig({ PROT: ' ' }).warnings).toEqual([]);
});

test('an option of the database’s URL that the driver does not know is told', () => {
  const DATABASE_URL = 'postgres://timmy:hunter2@db/tower?sslmod=require&sslmode=require&schema=public&schema=x';
  expect(loadConfig({ DATABASE_URL }).warnings).toEqual([
    'DATABASE_URL’s option sslmod is not known here, so it does nothing.',
    'DATABASE_URL’s option schema is not known here, so it does nothing.',
  ]);
});

test('a command that needs the database alone is not kept by other settings', () => {
  const env = {
    DATABASE_URL: 'postgres://timmy@db/tower',
    MODEL: 'nothing',
    NODE_ENV: 'production',
    PORT: 'x',
    PROT: '1',
  };
  expect(loadDatabaseConfig(env)).toEqual({
    settings: { DATABASE_URL: 'postgres://timmy@db/tower' },
    warnings: ['PROT is no setting, so it does nothing. Did you mean PORT?'],
  });
  expect(() => loadDatabaseConfig({ DATABASE_URL: 'mysql://db' })).toThrow(ConfigError);
  expect(() => loadDatabaseConfig({ DATABASE_POOLER: 'transaction' })).toThrow('needs DATABASE_URL');
});
