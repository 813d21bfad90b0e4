// Fails when something that we ship depends on is under a licence that does not go with MIT, or under none that it names.
import { readOptions } from './read-options.ts';
import { listShippedPackages } from './shipped-packages.mjs';

readOptions('Usage: node scripts/check-licences.mjs', { options: {} });

const allowed = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'PostgreSQL',
  'BlueOak-1.0.0',
  'Unlicense',
]);

const isAllowed = (licence) =>
  licence
    .replace(/^\(|\)$/g, '')
    .split(' OR ')
    .some((choice) => allowed.has(choice));

const packages = listShippedPackages();
const faults = packages
  .filter(({ license }) => !isAllowed(typeof license === 'string' ? license : ''))
  .map(({ name, version, license }) => `${name}@${version}: ${license ?? 'no licence'}`);
if (faults.length > 0) {
  console.error(`Licences that need a look:\n  ${faults.join('\n  ')}`);
  process.exitCode = 1;
} else {
  console.log(`The licences of all ${packages.length} packages go with MIT.`);
}
