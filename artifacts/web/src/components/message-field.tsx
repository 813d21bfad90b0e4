import { type KeyboardEventHandler, type RefObject, useEffect, useMemo } from 'react';

import { formatNumber } from '../amounts.ts';
import { isHeavy } from '../heavy-text.ts';
import { hasLongWord } from '../long-text.tsx';

interface MessageFieldProps {
  readonly field: RefObject<HTMLTextAreaElement | null>;
  readonly text: string;
  readonly placeholder: string;
  /** The id of what is said about the text. */
  readonly describedBy: string | undefined;
  readonly onText: (text: string) => void;
  readonly onKeyDown: KeyboardEventHandler;
}

/** Past this the browser breaks words anywhere, which it does fast. */
const LONG_WORD = 2000;

/** Where a message is written. In place of a text that a browser needs seconds to show stands how long it is: it is sent as it is. */
export function MessageField({ field, text, placeholder, describedBy, onText, onKeyDown }: MessageFieldProps) {
  const heavy = useMemo(() => isHeavy(text), [text]);
  const hasLong = useMemo(() => hasLongWord(text, LONG_WORD), [text]);
  useBeforeLayout(field, onText);
  return (
    <>
      <textarea
        id="message"
        ref={field}
        rows={1}
        dir="auto"
        className={hasLong && !heavy ? 'break-anywhere' : undefined}
        value={heavy ? `${formatNumber(text.length)} characters that no browser can show quickly` : text}
        readOnly={heavy}
        placeholder={placeholder}
        aria-describedby={describedBy}
        onChange={(event) => onText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {heavy && (
        <button type="button" className="text-button" onClick={() => onText('')}>
          Remove
        </button>
      )}
    </>
  );
}

/** What is pasted is laid out before React hears of it. */
function useBeforeLayout(field: RefObject<HTMLTextAreaElement | null>, onText: (text: string) => void): void {
  useEffect(() => {
    const element = field.current;
    if (!element) return;
    const onBeforeInput = (event: InputEvent) => {
      if (!event.data) return;
      const { value, selectionStart, selectionEnd } = element;
      const text = value.slice(0, selectionStart) + event.data + value.slice(selectionEnd);
      if (isHeavy(text)) {
        event.preventDefault();
        onText(text);
      } else if (hasLongWord(event.data, LONG_WORD)) element.classList.add('break-anywhere');
    };
    element.addEventListener('beforeinput', onBeforeInput);
    return () => element.removeEventListener('beforeinput', onBeforeInput);
  }, [field, onText]);
}
