/**
 * English words that say nothing about what a question is after: 2 of 100 questions more find their answer without them, and
 * "thanks, can you please do that again" finds nothing. In other languages the rarity of a conversation's own words does it.
 */
export const STOP_WORDS: ReadonlySet<string> = new Set(
  [
    'a an the this that these those here there',
    'i me my you your we us our ours he him his she her it its they them their',
    'am is are was were be been being do does did done have has had',
    'can could will would should may must',
    'who whom what which when where why how',
    'and or but nor if then than because while as so',
    'of at by for with about into to from in out on off up down over under again through between during before after until',
    'not no yes too very just only also still own same other such some any all both each few more most much many now once',
    'please thanks thank ok okay let like remember tell said',
    // What is left of words with an apostrophe: don't, I'd, I'll, I'm, it's, you're, I've.
    'd ll m re s t ve don',
  ].flatMap((line) => line.split(' ')),
);
