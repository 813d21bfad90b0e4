import { AppError } from '@timmy-tower/contract';

/** The error for text that is not an invoice. `fault` completes "That is not a BOLT11 invoice: …" and repeats no input. */
export function invalidInvoice(fault: string, cause?: unknown): AppError {
  return new AppError('invalid-request', `That is not a BOLT11 invoice: ${fault}`, { cause });
}
