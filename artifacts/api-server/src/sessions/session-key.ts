/** A session's key: `tt_` and base64url of the session's id (16 bytes) and 32 random bytes. Only its hash is ever stored. */
import { createHash, randomBytes } from 'node:crypto';

const PREFIX = 'tt_';
const ID_BYTES = 16;
const KEY = /^tt_[A-Za-z0-9_-]{64}$/;

/** Who a request says it comes from. Whether the key fits, the database tells. */
export interface Caller {
  readonly sessionId: string;
  readonly keyHash: Buffer;
}

export function createSessionKey(sessionId: string): string {
  const id = Buffer.from(sessionId.replaceAll('-', ''), 'hex');
  return PREFIX + Buffer.concat([id, randomBytes(32)]).toString('base64url');
}

export function hashSessionKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** The caller that a key names; undefined if it is no session key at all. */
export function parseSessionKey(key: string): Caller | undefined {
  if (!KEY.test(key)) return undefined;
  const hex = Buffer.from(key.slice(PREFIX.length), 'base64url').subarray(0, ID_BYTES).toString('hex');
  const sessionId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { sessionId, keyHash: hashSessionKey(key) };
}
