import { useEffect, useRef, useState } from 'react';

import { isComposing } from '../composition.ts';
import { CopyButton } from './copy-button.tsx';
import { Icon } from './icons.tsx';

interface MenuItem {
  readonly label: string;
  readonly run?: () => void;
  /** Copies this instead of running anything. */
  readonly copy?: string;
  readonly hidden?: boolean;
}

/** A button that discloses a few more. */
export function Menu({ label, items }: { readonly label: string; readonly items: readonly MenuItem[] }) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    const onPointer = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || isComposing(event)) return;
      setOpen(false);
      button.current?.focus();
    };
    addEventListener('pointerdown', onPointer);
    addEventListener('keydown', onKey);
    return () => {
      removeEventListener('pointerdown', onPointer);
      removeEventListener('keydown', onKey);
    };
  }, [open]);
  return (
    <div className="menu" ref={root}>
      <button
        ref={button}
        type="button"
        className="icon-button"
        aria-label={label}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon name="more" />
      </button>
      {open && (
        <ul className="menu-items">
          {items
            .filter(({ hidden }) => hidden !== true)
            .map(({ label: text, run, copy }) => (
              <li key={text}>
                {copy === undefined ? (
                  <button
                    type="button"
                    className="menu-item"
                    onClick={() => {
                      setOpen(false);
                      run?.();
                    }}
                  >
                    {text}
                  </button>
                ) : (
                  <CopyButton text={copy} label={text} className="menu-item" />
                )}
              </li>
            ))}
        </ul>
      )}
    </div>
  );
}
