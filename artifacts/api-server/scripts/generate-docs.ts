/**
 * Writes the README's tables from the schemas: settings from the configuration's, endpoints from the OpenAPI document.
 * With `--check` it writes nothing, and fails when they differ.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { openSimulatedWallet } from '@timmy-tower/lightning';

import { readOptions } from '../../../scripts/read-options.ts';
import { createApp } from '../src/app.ts';
import { loadConfig, requestLimits, settingsSchema } from '../src/config.ts';
import type { Deps } from '../src/deps.ts';
import { createLog } from '../src/log.ts';
import { createSessionQueues } from '../src/sessions/session-queues.ts';
import { openApiDocument } from '../src/routes/docs.ts';

const README = fileURLToPath(new URL('../../../README.md', import.meta.url));

function settingsTable(): string {
  const rows = Object.entries(settingsSchema.shape).map(([name, schema]) => {
    const fallback = String(schema.parse(undefined) ?? '');
    const shown = fallback === '' ? '–' : `\`${fallback}\``;
    return `| \`${name}\` | ${shown} | ${schema.meta()?.description} |`;
  });
  return ['| setting | default | |', '| --- | --- | --- |', ...rows].join('\n');
}

async function endpointsTable(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'timmy-tower-docs-'));
  const wallet = await openSimulatedWallet({ directory });
  const limits = requestLimits(loadConfig({}));
  // Describing the routes calls none of them: they need no database and no agent.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const deps = {
    wallet,
    limits,
    log: createLog('silent'),
    queues: createSessionQueues(),
    newSessionsPerMinute: 1,
    corsOrigins: [],
  } as unknown as Deps;
  const { paths = {} } = createApp(deps).getOpenAPI31Document(openApiDocument);
  await wallet.close();
  await rm(directory, { recursive: true });
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods ?? {}).map(([method, { summary }]: [string, { summary: string }]) => {
      return `| \`${method.toUpperCase()} ${path}\` | ${summary} |`;
    }),
  );
  return ['| call | |', '| --- | --- |', ...rows].join('\n');
}

function replaceSection(text: string, name: string, content: string): string {
  const section = new RegExp(`(<!-- ${name}: generated -->)[\\s\\S]*?(<!-- /${name} -->)`);
  if (!section.test(text)) throw new Error(`README.md has no section ${name}`);
  return text.replace(section, (_, start: string, end: string) => `${start}\n\n${content}\n\n${end}`);
}

const { values } = readOptions('Usage: node artifacts/api-server/scripts/generate-docs.ts [--check]', {
  options: { check: { type: 'boolean', default: false } },
});
const readme = await readFile(README, 'utf8');
const generated = replaceSection(
  replaceSection(readme, 'settings', settingsTable()),
  'endpoints',
  await endpointsTable(),
);
if (generated === readme) {
  console.log('README.md fits the code.');
} else if (values.check) {
  console.error('README.md does not fit the code: run `pnpm fix`.');
  process.exitCode = 1;
} else {
  await writeFile(README, generated);
  console.log('README.md was brought up to date.');
}
