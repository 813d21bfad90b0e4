import { useId, useRef, useState } from 'react';

import { problemOf } from '../api/client.ts';
import { SessionApi } from '../api/session-api.ts';
import { keepSession, sessionIdOf } from '../keyring.ts';
import { showSession } from '../place.ts';
import { Icon } from './icons.tsx';

export function OpenWithKey() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [fault, setFault] = useState('');
  const [busy, setBusy] = useState(false);
  const ids = { field: useId(), fault: useId(), title: useId() };

  async function open(form: HTMLFormElement): Promise<void> {
    const field = form.elements.namedItem('key');
    const key = field instanceof HTMLInputElement ? field.value.trim() : '';
    const id = sessionIdOf(key);
    if (!id) return setFault('That is not a session key. It begins with tt_ and has 67 characters.');
    setBusy(true);
    try {
      await new SessionApi(id, key).session();
      keepSession(id, key);
      dialog.current?.close();
      showSession(id);
    } catch (error) {
      const { status, title } = problemOf(error);
      setFault(status === 404 ? 'No session opens with this key.' : `${title}. Try again in a moment.`);
    } finally {
      setBusy(false);
    }
  }

  const show = () => {
    setFault('');
    dialog.current?.showModal();
  };
  return (
    <>
      <button type="button" className="quiet-button" onClick={show}>
        <Icon name="key" /> Open with a key
      </button>
      <dialog ref={dialog} className="dialog" aria-labelledby={ids.title}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void open(event.currentTarget);
          }}
        >
          <h2 id={ids.title}>Open with a key</h2>
          <p>A session key from another browser or program opens the same conversation and balance here.</p>
          <label htmlFor={ids.field}>Session key</label>
          <input
            id={ids.field}
            name="key"
            className="field"
            autoComplete="off"
            spellCheck={false}
            placeholder="tt_…"
            required
            aria-invalid={fault !== ''}
            aria-describedby={ids.fault}
          />
          <p id={ids.fault} className="fault" role="alert">
            {fault}
          </p>
          <div className="row row-end">
            <button type="button" className="quiet-button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button type="submit" className="button" disabled={busy}>
              Open
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
