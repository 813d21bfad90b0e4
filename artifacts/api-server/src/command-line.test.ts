import { expect, test } from 'vitest';

import { helpText, readCommand } from './command-line.ts';
import { settingsSchema } from './config.ts';
import { version } from './version.ts';

test.each([
  [[], 'start'],
  [['start'], 'start'],
  [['migrate'], 'migrate'],
  [['--help'], 'help'],
  [['-h'], 'help'],
  [['--version'], 'version'],
])('%j means %s', (parameters, command) => {
  expect(readCommand(parameters)).toBe(command);
});

test.each([
  [['--port=4000'], 'There is no option --port. Set PORT in the environment instead.'],
  [['--database-url', 'postgres://u:hunter2@h/d'], 'One command at a time'],
  [['--model=hunter2'], 'Set MODEL in the environment instead.'],
  [['--verbose'], 'There is no option --verbose. Commands: start'],
  [['sk-hunter2'], 'There is no such command. Commands: start'],
  [['constructor'], 'There is no such command.'],
  [['migrate', '--dry-run'], 'nothing after it'],
  [[''], 'There is no such command.'],
])('%j is refused, in words that say what there is', (parameters, words) => {
  expect(() => readCommand(parameters)).toThrow(RangeError);
  expect(() => readCommand(parameters)).toThrow(words);
  expect(() => readCommand(parameters)).not.toThrow('hunter2');
});

test('the help has every command and every setting with its default', () => {
  const text = helpText();
  expect(text).toContain(`timmy-tower ${version}`);
  for (const name of ['start', 'migrate', '--help', '--version']) expect(text).toContain(`  ${name} `);
  for (const name of Object.keys(settingsSchema.shape)) expect(text).toMatch(new RegExp(`^  ${name}(=|$)`, 'm'));
  expect(text).toContain('PORT=3000');
});
