import { useId, useState } from 'react';

import { formatNumber } from '../amounts.ts';
import { problemOf } from '../api/client.ts';
import { cutText } from '../graphemes.ts';
import { readSats } from '../read-sats.ts';
import { useServer } from './server-info.tsx';

const PRESETS = [100, 500, 1000, 5000, 21_000];

interface AmountFormProps {
  readonly label: string;
  readonly onAmount: (amountSats: number) => Promise<void>;
}

/** Presets and a free amount, within what the server takes. */
export function AmountForm({ label, onAmount }: AmountFormProps) {
  const { minDepositSats: min, maxDepositSats: max } = useServer();
  const presets = PRESETS.filter((sats) => sats >= min && sats <= max).slice(0, 4);
  const [text, setText] = useState(formatNumber(presets[1] ?? presets[0] ?? min));
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState('');
  const ids = { field: useId(), fault: useId(), hint: useId() };
  const written = readSats(text);
  const amount = 'sats' in written ? written.sats : Number.NaN;
  const fits = amount >= min && amount <= max;
  const range = `Whole sats from ${formatNumber(min)} to ${formatNumber(max)}.`;
  const isWrittenOtherwise = fits && text !== formatNumber(amount) && text !== String(amount);

  const choose = (value: string) => {
    setText(value);
    setFault('');
  };

  async function submit(): Promise<void> {
    if (!fits) return setFault('fault' in written && written.fault === 'no-groups' ? noGroups(text) : range);
    setBusy(true);
    setFault('');
    try {
      await onAmount(amount);
    } catch (error) {
      const { title, detail } = problemOf(error);
      setFault(detail ?? `${title}. Try again in a moment.`);
      setBusy(false);
    }
  }

  return (
    <form
      className="amount"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Presets presets={presets} amount={amount} onChoice={choose} />
      <label htmlFor={ids.field}>Or any amount, in sats</label>
      <div className="amount-row">
        <input
          id={ids.field}
          className="field"
          inputMode="numeric"
          autoComplete="off"
          value={text}
          aria-invalid={fault !== ''}
          aria-describedby={`${ids.hint} ${ids.fault}`}
          onChange={(event) => choose(event.target.value)}
        />
        <button type="submit" className="button" disabled={busy}>
          {busy ? 'One moment…' : label}
        </button>
      </div>
      <p id={ids.hint} className="hint" hidden={fault !== ''}>
        {isWrittenOtherwise ? `That is ${formatNumber(amount)} sats.` : range}
      </p>
      <p id={ids.fault} className="fault" role="alert" hidden={fault === ''}>
        {fault}
      </p>
    </form>
  );
}

const noGroups = (text: string) =>
  `“${cutText(text.trim(), 30)}” can be read in more than one way. Write whole sats with digits alone.`;

interface PresetsProps {
  readonly presets: readonly number[];
  readonly amount: number;
  readonly onChoice: (amount: string) => void;
}

function Presets({ presets, amount, onChoice }: PresetsProps) {
  return (
    <div className="presets" role="group" aria-label="Amount in sats">
      {presets.map((sats) => (
        <button
          key={sats}
          type="button"
          className="preset"
          aria-pressed={amount === sats}
          onClick={() => onChoice(formatNumber(sats))}
        >
          <span>{formatNumber(sats)}</span> <small>sats</small>
        </button>
      ))}
    </div>
  );
}
