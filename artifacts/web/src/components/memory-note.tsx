import { formatNumber } from '../amounts.ts';
import { type Memory, rememberedLength, seesNothing } from '../memory/memory-levels.ts';
import { Announcer } from './announcer.tsx';

interface MemoryNoteProps {
  readonly id: string;
  readonly length: number;
  readonly memory: Memory;
}

/** Where everything is forgotten nothing is longer than what is remembered. */
export const isLongerThanMemory = (length: number, memory: Memory | undefined): boolean =>
  memory !== undefined && !seesNothing(memory) && length > rememberedLength(memory);

/** Stands in the field's own room, so that nothing moves. What it counts changes with every letter: that is not spoken. */
export function MemoryNote({ id, length, memory }: MemoryNoteProps) {
  const most = `at most ${formatNumber(rememberedLength(memory))} of ${formatNumber(length)} characters`;
  return (
    <p className="memory-note" id={id}>
      {`Longer than what is remembered: follow-ups may see only its beginning and its end, ${most}.`}
    </p>
  );
}

/** Spoken when a message becomes longer, and not again while it grows. */
export function MemoryAnnouncer({ isLonger }: { readonly isLonger: boolean }) {
  const text = 'Longer than what is remembered: follow-ups may see only the beginning and the end of this message.';
  return <Announcer text={isLonger ? text : ''} />;
}
