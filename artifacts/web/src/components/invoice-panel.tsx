import type { Invoice } from '@timmy-tower/contract';
import { useEffect, useRef, useState } from 'react';

import { countdown, formatNumber } from '../amounts.ts';
import { callApi, problemOf } from '../api/client.ts';
import { serverNow } from '../api/server-clock.ts';
import { CopyButton } from './copy-button.tsx';
import { MachineText } from './machine-text.tsx';
import { QrCode } from './qr-code.tsx';
import { useServer } from './server-info.tsx';
import { WebLnButton } from './webln-button.tsx';

interface InvoicePanelProps {
  readonly invoice: Invoice;
  /** Gets a fresh invoice for the same amount. */
  readonly onExpired: () => Promise<void>;
}

export function InvoicePanel({ invoice, onExpired }: InvoicePanelProps) {
  const { simulated } = useServer();
  const leftMs = useTimeLeft(invoice.expiresAt);
  const expired = invoice.status === 'expired' || leftMs <= 0;
  const { renewing, fault, renew } = useRenewal(expired, onExpired);
  // Upper case makes a QR code with fewer, larger dots: BOLT 11 allows it.
  const code = `LIGHTNING:${invoice.bolt11.toUpperCase()}`;
  return (
    <div className="invoice">
      <div className={expired ? 'qr-frame qr-expired' : 'qr-frame'}>
        <QrCode text={code} label={`QR code of a Lightning invoice for ${invoice.amountSats} sats`} />
        {expired && <p>{renewing ? 'Getting a fresh invoice…' : 'This invoice expired'}</p>}
      </div>
      <div className="invoice-side">
        <p className="invoice-amount">
          {formatNumber(invoice.amountSats)} <span>sats</span>
        </p>
        <p className="hint" role="timer" aria-live="off">
          {expired ? 'Expired' : `Waiting for the payment · ${countdown(leftMs)} left`}
        </p>
        {expired ? (
          <button type="button" className="button" disabled={renewing} onClick={renew}>
            New invoice
          </button>
        ) : (
          <PayButtons invoice={invoice} simulated={simulated} />
        )}
        <p className="fault" role="alert">
          {fault}
        </p>
      </div>
    </div>
  );
}

function PayButtons({ invoice, simulated }: { readonly invoice: Invoice; readonly simulated: boolean }) {
  return (
    <div className="stack">
      {simulated && <TestWalletButton key={invoice.bolt11} bolt11={invoice.bolt11} />}
      <WebLnButton bolt11={invoice.bolt11} />
      <a className={simulated ? 'button button-second' : 'button'} href={`lightning:${invoice.bolt11}`}>
        Open in a wallet
      </a>
      <CopyButton text={invoice.bolt11} label="Copy the invoice" className="button button-second" />
      <MachineText label="The invoice" text={invoice.bolt11} />
    </div>
  );
}

function TestWalletButton({ bolt11 }: { readonly bolt11: string }) {
  const [status, setStatus] = useState<'idle' | 'paying' | 'paid'>('idle');
  const [fault, setFault] = useState('');
  const pay = async () => {
    setStatus('paying');
    setFault('');
    try {
      await callApi<{ preimage: string }>('/dev/wallet/pay', { holds: 'preimage', json: { bolt11 } });
      setStatus('paid');
    } catch (error) {
      const { title, detail } = problemOf(error);
      setFault(detail ?? title);
      setStatus('idle');
    }
  };
  return (
    <>
      <button type="button" className="button" disabled={status !== 'idle'} onClick={() => void pay()}>
        {status === 'paid' ? 'Paid: one moment…' : 'Pay with the test wallet'}
      </button>
      <p className="hint">Other wallets cannot pay it: no real money moves.</p>
      {fault && (
        <p className="fault" role="alert">
          {fault}
        </p>
      )}
    </>
  );
}

/** By the server's clock: a reader's may be hours wrong. */
function useTimeLeft(expiresAt: string): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    setNow(serverNow());
    const timer = setInterval(() => setNow(serverNow()), 1000);
    return () => clearInterval(timer);
  }, [expiresAt]);
  return Date.parse(expiresAt) - now;
}

/** An expired invoice is replaced by itself while somebody looks, three times: after that they are asked. */
function useRenewal(expired: boolean, onExpired: () => Promise<void>) {
  const [renewing, setRenewing] = useState(false);
  const [fault, setFault] = useState('');
  const renewals = useRef(0);
  const renew = () => {
    setRenewing(true);
    setFault('');
    onExpired()
      .catch((error: unknown) => setFault(`${problemOf(error).title}. Try again in a moment.`))
      .finally(() => setRenewing(false));
  };
  useEffect(() => {
    if (!expired) return;
    const whenSeen = () => {
      if (document.visibilityState === 'hidden' || renewals.current >= 3) return;
      document.removeEventListener('visibilitychange', whenSeen);
      renewals.current += 1;
      renew();
    };
    document.addEventListener('visibilitychange', whenSeen);
    whenSeen();
    return () => document.removeEventListener('visibilitychange', whenSeen);
    // oxlint-disable-next-line react/exhaustive-deps -- at the moment it expires
  }, [expired]);
  return { renewing, fault, renew };
}
