import { useState } from 'react';

/** What a wallet in the browser offers, https://webln.guide (2026-11). */
interface WebLn {
  enable(): Promise<unknown>;
  sendPayment(bolt11: string): Promise<unknown>;
}

declare global {
  interface Window {
    readonly webln?: WebLn;
  }
}

/** Only where the browser has a wallet. */
export function WebLnButton({ bolt11 }: { readonly bolt11: string }) {
  const [status, setStatus] = useState<'idle' | 'paying' | 'failed'>('idle');
  const { webln } = window;
  if (!webln) return null;
  const pay = async () => {
    setStatus('paying');
    try {
      await webln.enable();
      await webln.sendPayment(bolt11);
    } catch {
      setStatus('failed');
    }
  };
  return (
    <>
      <button type="button" className="button" disabled={status === 'paying'} onClick={() => void pay()}>
        Pay with browser wallet
      </button>
      {status === 'failed' && (
        <p className="fault" role="alert">
          The browser wallet did not pay. Try again, or scan the code.
        </p>
      )}
    </>
  );
}
