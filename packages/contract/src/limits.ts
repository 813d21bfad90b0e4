/** A message's length limit in UTF-16 code units, as `String.length` counts. */
export const MAX_CONTENT_LENGTH = 100_000;
export const MAX_MESSAGES_PER_PAGE = 200;
