import { useEffect, useRef, useState } from 'react';

interface CopyButtonProps {
  readonly text: string;
  readonly label: string;
  /** What a screen reader calls it, when the label alone says too little. */
  readonly name?: string;
  readonly className?: string;
}

/** Copies a text, and where the browser refuses, shows it selected. */
export function CopyButton({ text, label, name, className = 'quiet-button' }: CopyButtonProps) {
  const [copied, setCopied] = useState<'no' | 'yes' | 'refused'>('no');
  useEffect(() => {
    if (copied !== 'yes') return;
    const timer = setTimeout(() => setCopied('no'), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => {
    setCopied('no');
    copyText(text).then(
      (done) => setCopied(done ? 'yes' : 'refused'),
      () => setCopied('refused'), // execCommand may throw
    );
  };
  const shown = copied === 'yes' ? 'Copied' : label;
  return (
    <>
      <button type="button" className={className} onClick={copy} aria-label={copied === 'yes' ? shown : name}>
        <span aria-live="polite">{shown}</span>
      </button>
      {copied === 'refused' && <CopyByHand text={text} />}
    </>
  );
}

function CopyByHand({ text }: { readonly text: string }) {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  return (
    <label className="by-hand">
      <span className="hint">The browser did not let this page copy. Here it is, selected: copy it by hand.</span>
      <textarea ref={field} className="field machine-text" rows={3} readOnly value={text} />
    </label>
  );
}

/** Browsers give the clipboard to secure pages only, and not to all of those: then the old way is tried. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

function copySelected(text: string): boolean {
  const focused = document.activeElement;
  const field = document.createElement('textarea');
  field.value = text;
  field.readOnly = true;
  field.className = 'visually-hidden';
  (focused?.closest('dialog') ?? document.body).append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}
