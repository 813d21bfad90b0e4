/** A process of its own for tests: opens the wallet in a directory, says which node it is, and pays each line it reads. */
import { createInterface } from 'node:readline';

import { openSimulatedWallet } from '../src/simulated.ts';

const [directory = ''] = process.argv.slice(2);
const wallet = await openSimulatedWallet({ directory });
process.stdout.write(`node ${wallet.nodeId}\n`);

for await (const bolt11 of createInterface({ input: process.stdin })) {
  const outcome = await wallet.pay(bolt11).then(
    ({ paymentHash }) => `paid ${paymentHash}`,
    (error: unknown) => `refused ${String(error)}`,
  );
  process.stdout.write(`${outcome}\n`);
}
