/** How a wallet tells that an invoice was paid. `late`: after a while; `never`: only looking it up shows it. */
export type Delivery = 'once' | 'twice' | 'late' | 'never';

/** Calls listeners with the hashes of paid invoices, as reliably or unreliably as it is told. */
export class SettlementPush {
  /** While set, what should be delivered is lost. */
  muted = false;
  readonly #subscriptions = new Set<{ readonly listener: (paymentHash: string) => void }>();
  readonly #timers = new Set<NodeJS.Timeout>();

  /** @returns a function that ends this subscription */
  subscribe(listener: (paymentHash: string) => void): () => void {
    const subscription = { listener };
    this.#subscriptions.add(subscription);
    return () => {
      this.#subscriptions.delete(subscription);
    };
  }

  deliver(paymentHash: string, delivery: Delivery, lateMs: number): void {
    switch (delivery) {
      case 'twice':
        this.#push(paymentHash);
        this.#push(paymentHash);
        return;
      case 'once':
        this.#push(paymentHash);
        return;
      case 'late':
        this.#pushAfter(lateMs, paymentHash);
        return;
      case 'never':
    }
  }

  /** Ends all subscriptions and cancels what was still to come. */
  close(): void {
    this.#subscriptions.clear();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** In a microtask each, so that a listener that throws fails neither the payment nor the other listeners. */
  #push(paymentHash: string): void {
    if (this.muted) return;
    for (const subscription of this.#subscriptions) {
      queueMicrotask(() => {
        if (this.#subscriptions.has(subscription)) subscription.listener(paymentHash);
      });
    }
  }

  #pushAfter(delayMs: number, paymentHash: string): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#push(paymentHash);
    }, delayMs);
    timer.unref();
    this.#timers.add(timer);
  }
}
