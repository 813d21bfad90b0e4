import { useEffect, useState } from 'react';

interface CopyButtonProps {
  readonly text: string;
  readonly label: string;
  /** What a screen reader calls it, when the label alone says too little. */
  readonly name?: string;
  readonly className?: string;
}

export function CopyButton({ text, label, name, className = 'quiet-button' }: CopyButtonProps) {
  const [copied, setCopied] = useState<'no' | 'yes' | 'failed'>('no');
  useEffect(() => {
    if (copied === 'no') return;
    const timer = setTimeout(() => setCopied('no'), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => {
    copyText(text).then(
      (done) => setCopied(done ? 'yes' : 'failed'),
      () => setCopied('failed'),
    );
  };
  const shown = { no: label, yes: 'Copied', failed: 'Copy failed' }[copied];
  return (
    <button type="button" className={className} onClick={copy} aria-label={copied === 'no' ? name : shown}>
      <span aria-live="polite">{shown}</span>
    </button>
  );
}

/** Browsers give the clipboard to secure pages only; plain HTTP on a home network gets the old way. */
async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true);
  const field = document.createElement('textarea');
  field.value = text;
  (document.querySelector('dialog[open]') ?? document.body).append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  return copied;
}
