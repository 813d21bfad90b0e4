import type { Invoice } from '@timmy-tower/contract';

import type { Conversation } from '../conversation/conversation.ts';
import { InvoicePanel } from './invoice-panel.tsx';
import { useServer } from './server-info.tsx';

interface AwaitingPaymentProps {
  readonly conversation: Conversation;
  readonly invoice: Invoice;
}

export function AwaitingPayment({ conversation, invoice }: AwaitingPaymentProps) {
  const { simulated } = useServer();
  const renew = async () => {
    conversation.openTopUp();
    await conversation.createTopUp(invoice.amountSats);
  };
  return (
    <div className="awaiting">
      <section className="card" aria-labelledby="pay-title">
        <h2 id="pay-title">Pay to begin</h2>
        <p className="hint">
          {simulated ? 'Press the button: the test wallet pays.' : 'Scan the code with any Lightning wallet.'} The
          conversation opens by itself.
        </p>
        <InvoicePanel invoice={invoice} onExpired={renew} />
      </section>
    </div>
  );
}
