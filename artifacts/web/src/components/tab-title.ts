import { useEffect, useRef } from 'react';

import type { ConversationState } from '../conversation/state.ts';

/** What became of a turn while nobody looked, until somebody does. */
type Outcome = 'replied' | 'failed' | 'unpaid';

const words: Record<Outcome, (agentName: string) => string> = {
  replied: (agentName) => `● ${agentName} replied`,
  failed: (agentName) => `● ${agentName} could not reply`,
  unpaid: (agentName) => `● ${agentName} waits for a top-up`,
};

/** The tab tells that a reply is under way, and how it ended while another tab was looked at. */
export function useTabTitle({ turn, phase }: Pick<ConversationState, 'turn' | 'phase'>, agentName: string): void {
  const status = phase === 'ready' ? turn?.status : undefined;
  const before = useRef(status);
  const missed = useRef<Outcome>(undefined);
  useEffect(() => {
    const outcome = outcomeOf(before.current, status);
    before.current = status;
    if (outcome !== undefined && document.visibilityState === 'hidden') missed.current = outcome;
    const show = () => {
      if (document.visibilityState === 'visible') missed.current = undefined;
      document.title = missed.current ? words[missed.current](agentName) : titleWhile(status, agentName);
    };
    show();
    document.addEventListener('visibilitychange', show);
    return () => document.removeEventListener('visibilitychange', show);
  }, [status, agentName]);
  useEffect(
    () => () => {
      document.title = agentName;
    },
    [agentName],
  );
}

type Status = NonNullable<ConversationState['turn']>['status'];

const hasEnded = (status: Status | undefined): boolean =>
  status === undefined || status === 'failed' || status === 'unpaid';

function outcomeOf(before: Status | undefined, now: Status | undefined): Outcome | undefined {
  if (hasEnded(before) || !hasEnded(now)) return undefined;
  return now === 'failed' || now === 'unpaid' ? now : 'replied';
}

const titleWhile = (status: Status | undefined, agentName: string): string =>
  hasEnded(status) ? agentName : `… ${agentName} is replying`;
