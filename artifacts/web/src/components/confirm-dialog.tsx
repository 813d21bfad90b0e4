import { type RefObject, useId, useState } from 'react';

interface ConfirmDialogProps {
  readonly dialog: RefObject<HTMLDialogElement | null>;
  readonly title: string;
  readonly text: string;
  readonly confirm: string;
  /** What it throws is told, and the dialog stays. */
  readonly onConfirm: () => Promise<void>;
}

export function ConfirmDialog({ dialog, title, text, confirm, onConfirm }: ConfirmDialogProps) {
  const [fault, setFault] = useState('');
  const id = useId();
  const run = async () => {
    try {
      await onConfirm();
      dialog.current?.close();
    } catch (error) {
      setFault(error instanceof Error ? error.message : 'That did not work.');
    }
  };
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={id} onClose={() => setFault('')}>
      <h2 id={id}>{title}</h2>
      <p>{text}</p>
      <p className="fault" role="alert">
        {fault}
      </p>
      <div className="row row-end">
        <button type="button" className="quiet-button" onClick={() => dialog.current?.close()}>
          Cancel
        </button>
        <button type="button" className="button" onClick={() => void run()}>
          {confirm}
        </button>
      </div>
    </dialog>
  );
}
