import { expect, test } from 'vitest';

import { settingsSchema } from './config.ts';
import { findNearMisses } from './near-misses.ts';

const settings = Object.keys(settingsSchema.shape);
const meantBy = (name: string) => findNearMisses([name], settings)[0]?.setting;

test.each([
  ['PROT', 'PORT'],
  ['PORTS', 'PORT'],
  ['port', 'PORT'],
  ['\uFEFFPORT', 'PORT'],
  ['export PORT', 'PORT'],
  ['TIMMY_PORT', 'PORT'],
  ['TIMMY_TOWER_PORT', 'PORT'],
  ['HOTS', 'HOST'],
  ['OPENAI_KEY', 'OPENAI_API_KEY'],
  ['OPENAI_APIKEY', 'OPENAI_API_KEY'],
  ['OPEN_AI_API_KEY', 'OPENAI_API_KEY'],
  ['OPENAI_API_KEYS', 'OPENAI_API_KEY'],
  ['OPENAI_API_BASE', 'OPENAI_BASE_URL'],
  ['OPENAI_API_BASE_URL', 'OPENAI_BASE_URL'],
  ['OPENAI_URL', 'OPENAI_BASE_URL'],
  ['ANTHROPIC_KEY', 'ANTHROPIC_API_KEY'],
  ['ANTROPIC_API_KEY', 'ANTHROPIC_API_KEY'],
  ['TRUST_PROXIES', 'TRUST_PROXY'],
  ['DB_URL', 'DATABASE_URL'],
  ['DATABASE_URI', 'DATABASE_URL'],
  ['DATABASE_URL_FILE', 'DATABASE_URL'],
  ['WALET_URL', 'WALLET_URL'],
  ['MODLE', 'MODEL'],
  ['MAX_OUTPUT_TOKEN', 'MAX_OUTPUT_TOKENS'],
  ['MAX_TOKENS', 'MAX_OUTPUT_TOKENS'],
  ['HISTORY_MAX_MESSAGE', 'HISTORY_MAX_MESSAGES'],
  ['SESSION_IDLE', 'SESSION_IDLE_DAYS'],
  ['NODE_ENVIRONMENT', undefined],
  ['NODEENV', 'NODE_ENV'],
])('%j is taken for %s', (name, setting) => {
  expect(meantBy(name)).toBe(setting);
});

const OTHERS = `
  PATH HOME PWD OLDPWD USER LOGNAME SHELL SHLVL TERM LANG LC_ALL TZ HOSTNAME MAIL EDITOR DISPLAY HISTSIZE HISTFILE TMPDIR
  SESSION_MANAGER DESKTOP_SESSION SSH_AGENT_PID NODE_OPTIONS NODE_PATH NODE_VERSION NODE_COMPILE_CACHE NODE_EXTRA_CA_CERTS
  npm_config_yes INIT_CWD KUBERNETES_PORT KUBERNETES_SERVICE_HOST DOCKER_HOST REDIS_URL SMTP_PORT GITHUB_API_KEY API_KEY
  MISTRAL_API_KEY PORT_RANGE HOST_NAME MODEL_DIR DATABASE_SSL PGHOST PGPORT PGUSER INVOCATION_ID JOURNAL_STREAM SYSTEMD_EXEC_PID HTTP_PROXY NO_PROXY _`;

test.each(['', `DATABASE_URL_${'X'.repeat(60)}`, ...OTHERS.trim().split(/\s+/)])('%j is somebody else’s', (name) => {
  expect(meantBy(name)).toBeUndefined();
});

test('a setting itself is none, and the name of one that holds strange letters is shown as it is', () => {
  expect(findNearMisses(settings, settings)).toEqual([]);
  expect(findNearMisses(['PO\u001BRT'], settings)).toEqual([
    { name: String.raw`PO\u001brt`.replace('rt', 'RT'), setting: 'PORT' },
  ]);
});
