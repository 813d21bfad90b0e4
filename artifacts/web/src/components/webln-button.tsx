import { useEffect, useRef, useState } from 'react';

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

const words = {
  idle: '',
  waiting: 'Waiting for the browser wallet: confirm in its window. If that is closed, press the button again.',
  failed: 'The browser wallet did not pay. Try again, or scan the code.',
  paid: 'The browser wallet paid: one moment…',
};

/** Only where the browser has a wallet. Some never answer once their window was closed: the button always works. */
export function WebLnButton({ bolt11 }: { readonly bolt11: string }) {
  const [status, setStatus] = useState<keyof typeof words>('idle');
  const attempt = useRef(0);
  // What is still open belongs to another invoice.
  useEffect(() => {
    attempt.current += 1;
    setStatus('idle');
  }, [bolt11]);
  const { webln } = window;
  if (!webln) return null;
  const pay = async () => {
    attempt.current += 1;
    const mine = attempt.current;
    setStatus('waiting');
    const outcome = await payWith(webln, bolt11);
    // A later press tells by itself.
    if (mine === attempt.current) setStatus(outcome);
  };
  return (
    <>
      <button type="button" className="button" disabled={status === 'paid'} onClick={() => void pay()}>
        Pay with browser wallet
      </button>
      <p className={status === 'failed' ? 'fault' : 'hint'} role="status" hidden={status === 'idle'}>
        {words[status]}
      </p>
    </>
  );
}

async function payWith(webln: WebLn, bolt11: string): Promise<'paid' | 'failed'> {
  try {
    await webln.enable();
    await webln.sendPayment(bolt11);
    return 'paid';
  } catch {
    return 'failed';
  }
}
