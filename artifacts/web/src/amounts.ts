/** Amounts and times as people read them. */
import { serverNow } from './api/server-clock.ts';

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });

/** A balance: whole sats, never more than there is. */
export function balanceInSats(msat: number): string {
  const sats = Math.floor(msat / 1000);
  return `${whole.format(sats)} ${sats === 1 ? 'sat' : 'sats'}`;
}

/** A charge: to a hundredth, since a short reply costs less than a sat. */
export function chargeInSats(msat: number): string {
  const sats = msat / 1000;
  if (msat > 0 && sats < 0.01) return '< 0.01 sats';
  return `${precise.format(sats)} ${sats === 1 ? 'sat' : 'sats'}`;
}

export const formatNumber = (value: number): string => whole.format(value);

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });
const steps = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const;

export function timeAgo(iso: string, now = serverNow()): string {
  const seconds = (Date.parse(iso) - now) / 1000;
  const step = steps.find(([, size]) => -seconds >= size);
  return step ? relative.format(Math.round(seconds / step[1]), step[0]) : 'just now';
}

export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${String(seconds % 60).padStart(2, '0')}`;
}
