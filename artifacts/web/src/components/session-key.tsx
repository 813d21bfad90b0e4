/** The key of a session where a person has to see it: a lost key is a lost balance. */
import { type RefObject, useId } from 'react';

import type { Conversation } from '../conversation/conversation.ts';
import { unstoredSessions } from '../keyring.ts';
import { useStore } from '../store.ts';
import { CopyButton } from './copy-button.tsx';
import { MachineText } from './machine-text.tsx';

interface KeyDialogProps {
  readonly dialog: RefObject<HTMLDialogElement | null>;
  readonly sessionKey: string;
}

export function KeyDialog({ dialog, sessionKey }: KeyDialogProps) {
  const title = useId();
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={title}>
      <h2 id={title}>Session key</h2>
      <p>Whoever has it can read this conversation and spend its balance. Without it, nobody can.</p>
      <MachineText label="Key of this session" text={sessionKey} />
      <div className="row row-end">
        <CopyButton text={sessionKey} label="Copy the key" className="button button-second" />
        <button type="button" className="button" onClick={() => dialog.current?.close()}>
          Done
        </button>
      </div>
    </dialog>
  );
}

interface UnkeptKeyProps {
  readonly conversation: Conversation;
  /** Money is about to be put in: then it is said in full. */
  readonly paying: boolean;
}

/** Where the browser keeps no key. */
export function UnkeptKey({ conversation, paying }: UnkeptKeyProps) {
  const isUnkept = useStore(unstoredSessions).includes(conversation.id);
  if (!isUnkept) return null;
  return (
    <details className="notice unkept" open={paying}>
      <summary>This browser does not keep the key of this session.</summary>
      <p>
        Its storage is full or forbidden: the key is gone when this tab is closed or loaded again, and the balance with
        it. {paying ? 'Before you pay, copy the key' : 'Copy the key'} to a safe place.
      </p>
      <MachineText label="Key of this session" text={conversation.key} />
      <CopyButton text={conversation.key} label="Copy the key" className="button button-second" />
    </details>
  );
}

/** What the list says of keys. */
export function KeysNote() {
  const unkept = useStore(unstoredSessions).length;
  return (
    <p>{unkept > 0 ? 'This browser does not keep your keys: copy them.' : 'Keys are kept in this browser only.'}</p>
  );
}
