import { useId, useState } from 'react';

import { formatNumber } from '../amounts.ts';
import { problemOf } from '../api/client.ts';
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
  const [text, setText] = useState(String(presets[1] ?? presets[0] ?? min));
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState('');
  const ids = { field: useId(), fault: useId(), hint: useId() };
  const amount = /^\d{1,12}$/.test(text.trim()) ? Number(text) : Number.NaN;
  const fits = amount >= min && amount <= max;
  const range = `Whole sats from ${formatNumber(min)} to ${formatNumber(max)}.`;

  const choose = (value: string) => {
    setText(value);
    setFault('');
  };

  async function submit(): Promise<void> {
    if (!fits) return setFault(range);
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
        {range}
      </p>
      <p id={ids.fault} className="fault" role="alert" hidden={fault === ''}>
        {fault}
      </p>
    </form>
  );
}

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
          onClick={() => onChoice(String(sats))}
        >
          <span>{formatNumber(sats)}</span> <small>sats</small>
        </button>
      ))}
    </div>
  );
}
