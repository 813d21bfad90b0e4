/** White space of every script, and what nothing is drawn for: zero-width and format characters, controls, fillers. */
const DRAWN = /[^\s\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Whether a text says nothing. A model's blank reply is silence, and providers refuse a blank message. */
export function isBlank(text: string): boolean {
  return !DRAWN.test(text);
}
