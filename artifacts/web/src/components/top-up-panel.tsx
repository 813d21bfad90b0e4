import type { Conversation } from '../conversation/conversation.ts';
import { useStore } from '../store.ts';
import { AmountForm } from './amount-form.tsx';
import { Icon } from './icons.tsx';
import { InvoicePanel } from './invoice-panel.tsx';

export function TopUpPanel({ conversation }: { readonly conversation: Conversation }) {
  const { topUp, turn } = useStore(conversation.state);
  const invoice = topUp?.invoice;
  return (
    <section className="card top-up" aria-labelledby="top-up-title">
      <div className="row">
        <h2 id="top-up-title">Top up</h2>
        <button
          type="button"
          className="icon-button"
          aria-label="Close the top-up"
          onClick={() => conversation.closeTopUp()}
        >
          <Icon name="close" />
        </button>
      </div>
      {turn?.status === 'unpaid' && <p className="hint">Your message is kept, and goes out as soon as this is paid.</p>}
      {invoice ? (
        <InvoicePanel invoice={invoice} onExpired={() => conversation.createTopUp(invoice.amountSats)} />
      ) : (
        <AmountForm label="Show the invoice" onAmount={(sats) => conversation.createTopUp(sats)} />
      )}
    </section>
  );
}
