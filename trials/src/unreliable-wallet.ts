/**
 * Loaded into the server before it starts (`--import`): its simulated wallet tells of a payment once, twice, late or never,
 * by the payment's hash. The server is the real one in all else, and must credit every payment once all the same.
 */
import { decodeInvoice, SimulatedWallet } from '@timmy-tower/lightning';

const deliveries = ['once', 'twice', 'late', 'never'] as const;

// oxlint-disable-next-line typescript/unbound-method -- called with its wallet
const { pay } = SimulatedWallet.prototype;
SimulatedWallet.prototype.pay = async function payUnreliably(bolt11, options) {
  const { paymentHash } = decodeInvoice(bolt11);
  const delivery = deliveries[Number.parseInt(paymentHash.slice(-2), 16) % deliveries.length]!;
  return pay.call(this, bolt11, { delivery, lateMs: 150, ...options });
};
