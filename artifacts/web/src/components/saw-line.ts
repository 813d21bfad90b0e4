import type { ShownHistory } from '@timmy-tower/contract';

import { formatNumber } from '../amounts.ts';

/** A server of the version before, while one replaces the other, knows of neither recall nor clipping. */
type SomewhatShown = Pick<ShownHistory, 'messages' | 'dropped'> & Partial<ShownHistory>;

/** What a reply saw of the conversation, in a few words. */
export function sawLine({ messages, dropped, recalled = 0, clipped = false }: SomewhatShown): string {
  const shortened = clipped ? ', a long one shortened' : '';
  const left = dropped > 0 ? `; ${formatNumber(dropped)} not shown` : '';
  return `saw ${counted(messages - recalled, recalled)}${shortened}${left}`;
}

function counted(newest: number, recalled: number): string {
  if (newest + recalled === 0) return 'no earlier messages';
  if (recalled === 0) return `${formatNumber(newest)} earlier ${nounFor(newest)}`;
  if (newest === 0) return `${formatNumber(recalled)} ${nounFor(recalled)} from earlier`;
  return `${formatNumber(newest)} ${nounFor(newest)} and ${formatNumber(recalled)} from earlier`;
}

const nounFor = (count: number) => (count === 1 ? 'message' : 'messages');
