/** Loaded when somebody exports: the contract's schema, and zod with it, stay out of the first load. */
import { type ConversationExport, conversationExportSchema, type Message } from '@timmy-tower/contract';

import type { Conversation } from '../conversation/conversation.ts';
import { findKept, timestamp } from '../keyring.ts';

interface ExportOptions {
  readonly format: 'markdown' | 'json';
  readonly agentName: string;
}

export async function exportConversation(
  conversation: Conversation,
  { format, agentName }: ExportOptions,
): Promise<void> {
  const messages = await conversation.readAll();
  const title = findKept(conversation.id)?.title || 'Conversation';
  const stamp = timestamp();
  const name = `timmy-${stamp.slice(0, 10)}-${conversation.id.slice(0, 8)}`;
  if (format === 'markdown') return save(`${name}.md`, 'text/markdown', toMarkdown(title, agentName, messages));
  save(
    `${name}.json`,
    'application/json',
    toJson({ sessionId: conversation.id, exportedAt: stamp, messages: [...messages] }),
  );
}

/** @throws {ZodError} rather than write a file that the schema does not read */
export function toJson(conversation: Omit<ConversationExport, 'format'>): string {
  const document = conversationExportSchema.parse({ format: 'timmy-tower/conversation@1', ...conversation });
  return `${JSON.stringify(document, null, 2)}\n`;
}

export function toMarkdown(title: string, agentName: string, messages: readonly Message[]): string {
  const parts = messages.map(
    ({ role, content, createdAt }) => `## ${role === 'user' ? 'You' : agentName}, ${createdAt}\n\n${content}\n`,
  );
  return [`# ${title}\n`, ...parts].join('\n');
}

function save(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
