// Plain JavaScript on purpose: it has to run, and say what is wrong, on the Node versions that the rest cannot run on.
const needed = 24;
const found = process.versions.node;

if (Number.parseInt(found, 10) < needed) {
  console.error(
    `timmy-tower runs on Node ${needed} or newer, and this is Node ${found}.\n` +
      `pnpm brings Node ${needed} along on Linux and macOS (x64 and arm64): run \`npx -y pnpm@12 install\` and try again,\n` +
      `or, without pnpm, with \`node_modules/.bin/node\` in place of \`node\`.\n` +
      `Elsewhere, install Node ${needed} yourself and put it first on your PATH.`,
  );
  process.exit(1);
}

await import('./faster-imports.mjs');
