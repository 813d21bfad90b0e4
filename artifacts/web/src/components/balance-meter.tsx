import { balanceInSats, formatNumber } from '../amounts.ts';
import type { Conversation } from '../conversation/conversation.ts';
import { useStore } from '../store.ts';
import { isLow } from './low-balance.ts';
import { useServer } from './server-info.tsx';

interface BalanceMeterProps {
  readonly conversation: Conversation;
  readonly peakMsat: number;
}

/** What is left, and, while a reply runs, the part of it that is held. */
export function BalanceMeter({ conversation, peakMsat }: BalanceMeterProps) {
  const server = useServer();
  const { session, turn } = useStore(conversation.state);
  if (!session) return null;
  const { balanceMsat, heldMsat } = session;
  const full = Math.max(peakMsat, balanceMsat, 1);
  const low = isLow(session, server) && (!turn || turn.status === 'unpaid');
  const held = heldMsat > 0 ? `, ${balanceInSats(heldMsat)} held for this reply` : '';
  return (
    <div className={low ? 'meter meter-low' : 'meter'}>
      <div
        className="meter-bar"
        role="meter"
        aria-label="Balance"
        aria-valuemin={0}
        aria-valuemax={Math.floor(full / 1000)}
        aria-valuenow={Math.floor(balanceMsat / 1000)}
        aria-valuetext={`${balanceInSats(balanceMsat)}${held}`}
      >
        <span style={{ width: `${((balanceMsat - heldMsat) / full) * 100}%` }} />
        <span className="meter-held" style={{ width: `${(heldMsat / full) * 100}%` }} />
      </div>
      <button type="button" className="meter-text" onClick={() => conversation.openTopUp()}>
        <span className="meter-balance" translate="no">
          {balanceInSats(balanceMsat)}
        </span>
        <span className="meter-note">
          {heldMsat > 0 ? `${formatNumber(Math.ceil(heldMsat / 1000))} held` : low ? 'low: top up' : 'top up'}
        </span>
      </button>
    </div>
  );
}
