import { findKept } from '../keyring.ts';
import { Conversation } from './conversation.ts';

const opened = new Map<string, Conversation>();

/** The same one each time: a reply goes on while another session is looked at. undefined without a key for it. */
export function conversationOf(id: string): Conversation | undefined {
  const kept = findKept(id);
  if (!kept) return undefined;
  const known = opened.get(id);
  if (known && known.key === kept.key) return known;
  const conversation = new Conversation(id, kept.key);
  opened.set(id, conversation);
  return conversation;
}
