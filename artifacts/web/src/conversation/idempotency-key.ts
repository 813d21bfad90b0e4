/** A key that no other message has. `crypto.randomUUID` would do, but browsers keep it from pages that are not secure. */
export function createIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
