const RIGHT_TO_LEFT =
  /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}\p{Script=Samaritan}\p{Script=Mandaic}\p{Script=Hanifi_Rohingya}]/u;
const LOOKED_AT = 1000;

/**
 * Where a text begins, told by its first letter as `dir="auto"` tells it, code left out: for what holds blocks that have a
 * direction of their own, in which a browser does not look.
 */
export function directionOf(text: string): 'ltr' | 'rtl' {
  const words = text.slice(0, LOOKED_AT).replaceAll(/`[^`]*`/g, '');
  const first = /\p{L}/u.exec(words)?.[0];
  return first !== undefined && RIGHT_TO_LEFT.test(first) ? 'rtl' : 'ltr';
}
