/**
 * Where math is written: `\( … \)`, `\[ … \]`, `$$ … $$` and `$…$`. It is left as it was written, with every backslash, star and
 * underscore. A single dollar counts as pandoc has it (https://pandoc.org/MANUAL.html#math): no space inside of it and no digit
 * after it, so that prices are prices. Like TeX, math has no empty line in it.
 */
const LONGEST = 4000;
const inside = String.raw`(?:[^\n]|\n(?![ \t]*(?:\n|$))){1,${LONGEST}}?`;
const parens = String.raw`\\\(${inside}\\\)`;
const brackets = String.raw`\\\[${inside}\\\]`;
const dollars = String.raw`\$\$${inside}\$\$`;
const dollar = String.raw`\$(?![\s$])(?:\\[^\n]|[^\n$\\]){0,${LONGEST}}?(?<!\s)\$(?!\d)`;

const INLINE = new RegExp(`^(?:${parens}|${brackets}|${dollars}|${dollar})`);
const DISPLAY = new RegExp(`^ {0,3}(?:${brackets}|${dollars})[ \\t]*(?:\\n|$)`);
/** Code and escaped characters are passed over: in `\\(` the backslash itself is escaped. */
const ANYWHERE = new RegExp(`(?<math>${parens}|${brackets}|${dollars}|${dollar})|\`+[^\`]+\`+|\\\\[\\s\\S]`, 'g');

export const mayHaveMath = (text: string): boolean => /\$|\\[([]/.test(text);

/** The math that a line begins with, its closing line included. */
export const inlineMathAt = (text: string): string | undefined => INLINE.exec(text)?.[0];

/** The math that a block is made of. */
export const displayMathAt = (text: string): string | undefined => DISPLAY.exec(text)?.[0];

/** Where in a paragraph a block of math begins that ends it. */
export function beginOfDisplayMath(text: string): number {
  const end = text.indexOf('\n\n');
  return (end < 0 ? text : text.slice(0, end)).search(/(?<=\n) {0,3}(?:\$\$|\\\[)/);
}

/** A mask of the text, of the same length, in which nothing of its math can begin or end an emphasis. */
export function maskMath(text: string, mask: string): string {
  if (!mayHaveMath(text)) return mask;
  let masked = mask;
  for (const { index, groups } of text.matchAll(ANYWHERE)) {
    const length = groups?.['math']?.length ?? 0;
    if (length > 0) masked = masked.slice(0, index) + 'a'.repeat(length) + masked.slice(index + length);
  }
  return masked;
}
