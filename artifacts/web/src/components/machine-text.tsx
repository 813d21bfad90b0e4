import { useId } from 'react';

interface MachineTextProps {
  readonly label: string;
  readonly text: string;
}

/** What a program reads, such as a key or an invoice: there to be seen and selected, whatever the clipboard does. */
export function MachineText({ label, text }: MachineTextProps) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="hint">
        {label}
      </label>
      <input
        id={id}
        className="field machine-text"
        readOnly
        dir="ltr"
        value={text}
        onFocus={(event) => event.currentTarget.select()}
      />
    </div>
  );
}
