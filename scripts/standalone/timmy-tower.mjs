#!/usr/bin/env node
// Plain JavaScript on purpose: it has to say what is wrong on the Node versions that the rest cannot run on.
const needed = 24;
const found = process.versions.node;

if (Number.parseInt(found, 10) < needed) {
  console.error(
    `timmy-tower runs on Node ${needed} or newer, and this is Node ${found}. Install Node ${needed}, from https://nodejs.org or ` +
      `your system's packages, and start it with that one.`,
  );
  process.exit(1);
}

import('../lib/main.js').catch((error) => {
  console.error(error);
  process.exit(1);
});
