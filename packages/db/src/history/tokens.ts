/**
 * The token count that decides what fits a history's budget: a quarter of the characters, rounded up. Cheap and stable,
 * and no measure of cost: it undercounts Chinese, emoji and hex.
 */
export function heuristicTokens(content: string): number {
  return Math.ceil(content.length / 4);
}
