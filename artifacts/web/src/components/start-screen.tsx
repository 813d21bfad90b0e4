import type { SessionOpened } from '@timmy-tower/contract';

import { callApi } from '../api/client.ts';
import { chargeInSats } from '../amounts.ts';
import { keepSession } from '../keyring.ts';
import { describeMemory, memoryAt } from '../memory/memory-levels.ts';
import { showSession } from '../place.ts';
import { AmountForm } from './amount-form.tsx';
import { Icon, Tower } from './icons.tsx';
import { OpenWithKey } from './open-with-key.tsx';
import { useServer } from './server-info.tsx';

interface StartScreenProps {
  /** The page was opened at a session whose key this browser does not have. */
  readonly missing: boolean;
  readonly onOpenDrawer?: () => void;
}

export function StartScreen({ missing, onOpenDrawer }: StartScreenProps) {
  const server = useServer();
  const { agentName, inputMsatPerKtoken, outputMsatPerKtoken, demo, model, simulated } = server;
  const memory = memoryAt('normal', server);
  const open = async (amountSats: number) => {
    const { session, key } = await callApi<SessionOpened>('/sessions', { holds: 'key', json: { amountSats } });
    keepSession(session.id, key);
    showSession(session.id);
  };
  // A question, a bit of what was said before, and a reply of a paragraph.
  const typicalMsat = Math.ceil((inputMsatPerKtoken * 300 + outputMsatPerKtoken * 200) / 1000);
  return (
    <div className="start">
      {onOpenDrawer && (
        <button type="button" className="icon-button narrow-only" aria-label="Your sessions" onClick={onOpenDrawer}>
          <Icon name="menu" />
        </button>
      )}
      <div className="start-inner">
        <header>
          <Tower />
          <h1>Talk to {agentName}</h1>
          <p className="lead">
            Put a few sats in, say what you need, and pay for what each reply used.
            {memory && ` Each sees ${describeMemory(memory)}.`}
          </p>
        </header>
        {missing && (
          <p className="notice" role="status">
            This browser has no key for that session. Open it with its key, or start a new one.
          </p>
        )}
        <section className="card" aria-labelledby="fund-title">
          <h2 id="fund-title">Fund a session</h2>
          <AmountForm label="Show the invoice" onAmount={open} />
        </section>
        <ul className="facts">
          <li>
            <strong>No account.</strong>{' '}
            {simulated ? 'A test wallet pays here, with play money.' : 'Any Lightning wallet pays.'}
          </li>
          <li>
            <strong>By the message.</strong>{' '}
            {typicalMsat === 0 ? 'Replies are free here.' : `A short reply costs about ${chargeInSats(typicalMsat)}.`}
          </li>
          <li>
            <strong>{demo ? 'A demo answers.' : 'Come back.'}</strong>{' '}
            {demo ? 'It knows little, but it follows up.' : `${model} answers; the session stays.`}
          </li>
        </ul>
        <footer className="row row-centre">
          <OpenWithKey />
          <a className="quiet-button" href="docs">
            API
          </a>
        </footer>
      </div>
    </div>
  );
}
