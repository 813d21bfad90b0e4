/** What a user once said, what was replied, and what the same user asks weeks later: the answer stands in `said`. */
export interface Question {
  readonly said: string;
  readonly replied: string;
  readonly question: string;
}
