/** Whoever catches an error of ours can decide by its code. Read from the sources of every package: no lint knows the rule. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const FOR_TESTS = /\.test\.|\/testing[^/]*$|-suite\.ts$/;
const DOCUMENTED = ['RangeError', 'TypeError'];

const sources = globSync('{packages,artifacts}/*/src/**/*.{ts,tsx}', { cwd: root })
  .filter((path) => !FOR_TESTS.test(path))
  .map((path) => ({ path, text: readFileSync(`${root}/${path}`, 'utf8') }));

/** Names of error classes, and whether each has a code. */
const ownClasses = sources.flatMap(({ text }) =>
  [...text.matchAll(/class (\w+) extends \w*Error \{(.*?)^\}/gms)].map(([, name, body]) => ({
    name: name!,
    hasCode: /^ {2}readonly code\b/m.test(body!),
  })),
);

test('every class of errors has a code', () => {
  expect(ownClasses.map(({ name }) => name)).toContain('AppError');
  expect(ownClasses.filter(({ hasCode }) => !hasCode)).toEqual([]);
});

test('what is thrown has a code of ours, or is a RangeError or a TypeError that is documented where it is thrown', () => {
  const thrown = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/\bthrow new (\w+)/g)].map(([, name]) => ({ path, text, name: name! })),
  );
  expect(thrown.length).toBeGreaterThan(50);
  const names = new Set(ownClasses.map(({ name }) => name));
  const faults = thrown.filter(
    ({ name, text }) => !names.has(name) && !(DOCUMENTED.includes(name) && text.includes(`@throws {${name}}`)),
  );
  expect(faults.map(({ path, name }) => `${path}: ${name}`)).toEqual([]);
});
