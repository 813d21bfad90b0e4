import { randomBytes } from 'node:crypto';

/** A key that has the form of one, and names this session: nobody gave it out. */
export function madeUpKey(sessionId: string): string {
  const id = Buffer.from(sessionId.replaceAll('-', ''), 'hex');
  return `tt_${Buffer.concat([id, randomBytes(32)]).toString('base64url')}`;
}
