import { type RefObject, useId } from 'react';

import { chargeInSats } from '../amounts.ts';
import { chooseMemory, memoryLevelOf } from '../memory/memory-choice.ts';
import {
  describeMemory,
  type Memory,
  memoriesOf,
  memoryCostMsat,
  type MemoryLevel,
  memoryLevels,
} from '../memory/memory-levels.ts';
import { useStore } from '../store.ts';
import { useServer } from './server-info.tsx';

interface MemoryDialogProps {
  readonly dialog: RefObject<HTMLDialogElement | null>;
  readonly sessionId: string;
}

/** Chosen as soon as it is picked: it holds for what is said next. */
export function MemoryDialog({ dialog, sessionId }: MemoryDialogProps) {
  const memories = memoriesOf(useServer());
  const chosen = useMemoryLevel(sessionId);
  const title = useId();
  const about = useId();
  const name = useId();
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={title} aria-describedby={about}>
      <h2 id={title}>Memory</h2>
      <p id={about}>
        What each reply sees of the conversation, which is paid for with it. Every message is kept, whatever you choose.
      </p>
      <div className="memory-levels" role="radiogroup" aria-labelledby={title}>
        {memoryLevels.map((level) => {
          const memory = memories[level];
          const pick = () => chooseMemory(sessionId, level);
          return memory && <Level key={level} {...{ name, level, memory, checked: level === chosen, pick }} />;
        })}
      </div>
      <div className="row row-end">
        <button type="button" className="button" onClick={() => dialog.current?.close()}>
          Done
        </button>
      </div>
    </dialog>
  );
}

const names: Record<MemoryLevel, string> = { short: 'Short', normal: 'Normal', long: 'Long' };

interface LevelProps {
  /** Of all levels together: arrow keys go from one to the next. */
  readonly name: string;
  readonly level: MemoryLevel;
  readonly memory: Memory;
  readonly checked: boolean;
  readonly pick: () => void;
}

function Level({ name, level, memory, checked, pick }: LevelProps) {
  const costMsat = memoryCostMsat(memory, useServer());
  const id = useId();
  return (
    <label className="memory-level" htmlFor={id}>
      <input id={id} type="radio" name={name} checked={checked} onChange={pick} />
      <span>
        <strong>{names[level]}</strong> <span>{sentence(describeMemory(memory))}</span>{' '}
        <span>{costMsat === 0 ? 'Free here.' : `At most about ${chargeInSats(costMsat)} a message.`}</span>
      </span>
    </label>
  );
}

const sentence = (words: string) => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;

/** What is in force of the choice: a level that the server no longer offers is the normal one. */
export function useMemoryLevel(sessionId: string): MemoryLevel {
  const level = useStore(memoryLevelOf(sessionId));
  return memoriesOf(useServer())[level] ? level : 'normal';
}
