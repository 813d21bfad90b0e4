import { isObject, objectOf } from './json.ts';
import type { WireEvent } from './wire-event.ts';

/** The usage of chat completions and of responses, under the names that its counts have; whether it can be true is seen later. */
export function usageIn(usage: unknown): WireEvent[] {
  if (!isObject(usage)) return [];
  const plain = Object.fromEntries(
    Object.entries(usage).map(([name, value]) => [name.toLowerCase().replaceAll('_', ''), value]),
  );
  const inputDetails = objectOf(plain['prompttokensdetails'] ?? plain['inputtokensdetails']);
  const outputDetails = objectOf(plain['completiontokensdetails'] ?? plain['outputtokensdetails']);
  const raw = {
    input: plain['prompttokens'] ?? plain['inputtokens'],
    output: plain['completiontokens'] ?? plain['outputtokens'],
    reasoning: outputDetails['reasoning_tokens'] ?? plain['reasoningtokens'],
    total: plain['totaltokens'],
    cached: inputDetails['cached_tokens'] ?? plain['cachereadinputtokens'],
  };
  return [{ type: 'usage', usage: raw }];
}
