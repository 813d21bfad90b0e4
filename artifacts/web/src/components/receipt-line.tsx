import type { IncompleteReason, TurnAnswer } from '@timmy-tower/contract';

import { chargeInSats, formatNumber } from '../amounts.ts';
import { sawLine } from './saw-line.ts';

const reasons: Record<IncompleteReason, string> = {
  cancelled: 'Stopped',
  'max-output-tokens': 'Cut at the longest reply',
  balance: 'Cut: the balance ran low',
  empty: 'Ended without a word',
  'too-long': 'Cut: it took too long',
};

/** What a reply cost and saw, in one quiet line. */
export function ReceiptLine({ answer: { request, history } }: { readonly answer: TurnAnswer }) {
  const { inputTokens, outputTokens, reasoningTokens, chargedMsat, incompleteReason } = request;
  return (
    <>
      {incompleteReason && <strong className="cut">{reasons[incompleteReason]}</strong>}
      {chargedMsat !== null && <span>{chargeInSats(chargedMsat)}</span>}
      {inputTokens !== null && outputTokens !== null && (
        <span>
          {formatNumber(inputTokens)} tokens in, {formatNumber(outputTokens)} out
          {reasoningTokens ? `, ${formatNumber(reasoningTokens)} of them thinking` : ''}
        </span>
      )}
      <span>{sawLine(history)}</span>
    </>
  );
}
