import type { Config } from './config.ts';
import type { RunningServer } from './server.ts';
import { version } from './version.ts';

/** What runs, on what, and what to try next. */
export function startBanner({ settings }: Config, { url, database, wallet, simulated }: RunningServer): string {
  const model = settings.MODEL === 'demo' ? 'demo: offline, canned replies; set MODEL for a real one' : settings.MODEL;
  return `
timmy-tower ${version} is running at ${url}

  database   ${database}
  wallet     ${simulated ? 'simulated: NO REAL MONEY MOVES' : wallet}
  model      ${model}

Try it: open ${url} in a browser, or
  curl ${url}/sessions -H 'content-type: application/json' -d '{"amountSats": 1000}'
  ${url}/docs has every call. Ctrl-C stops the server; running requests may finish first.
`;
}
