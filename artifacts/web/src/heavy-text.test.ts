import { expect, test } from 'vitest';

import { isHeavy } from './heavy-text.ts';

const LENGTH = 100_000;
const filled = (text: string) => text.repeat(Math.ceil(LENGTH / text.length)).slice(0, LENGTH);

test.each([
  ['accents', `a${'\u0301'.repeat(2000)}`],
  ['accents with joiners among them', `a${'\u0301\u200d'.repeat(1000)}`],
  ['Arabic marks', `ب${'\u064b'.repeat(2000)}`],
  ['colours of skin', `👍${'🏽'.repeat(1000)}`],
  ['two directions by turns', 'aب'.repeat(5000)],
  ['two scripts by turns', 'aα'.repeat(5000)],
  ['digits among Arabic', '1ب'.repeat(5000)],
  ['marks of direction', 'a\u2068b\u2069'.repeat(2500)],
  ['brackets after Hebrew', `ב${'('.repeat(10_000)}`],
  [
    'a letter of every script',
    Array.from({ length: 10_000 }, (_, at) => String.fromCharCode(0x1400 + ((at * 37 * 8) % 0x1a00))).join(''),
  ],
  ['joined letters', 'ب'.repeat(4000)],
  ['empty lines', '\n'.repeat(20_000)],
])('%s are too much for a browser', (_, text) => {
  expect(isHeavy(text)).toBe(true);
});

test.each([
  ['English', 'She said: “It’s — well — a \u200bword…” (and 3 more) '],
  ['Vietnamese, its accents apart', 'Tiếng Việt có dấu. '.normalize('NFD')],
  ['Hebrew with points', 'שָׁלוֹם עֲלֵיכֶם, וְיוֹם טוֹב (3) לְכֻלָּם, בְּכָל מָקוֹם וּבְכָל עֵת, אָמְרוּ הָאֲנָשִׁים שֶׁבָּאוּ מִן הַמִּדְבָּר. '],
  ['Arabic, Persian and Urdu', 'سلام علیکم، یہ کتاب ہے، گپ. '],
  ['Hindi', 'नमस्ते दुनिया, यह एक किताब है। '],
  ['Thai', 'สวัสดีชาวโลก ที่นี่ '],
  ['Japanese', '日本語のテキストとカタカナ、ﾊﾝｶｸ。'],
  ['Korean', '안녕하세요 세계 \u1112\u1161\u11ab '],
  ['Russian with a name now and then', 'Это длинный текст о том, как устроен язык TypeScript и его типы. '],
  ['emoji', 'Well done 👩🏽‍🚀👨‍👩‍👧‍👦🇩🇪 and on, for quite a while it seems. '],
  ['code', 'if (a[b](c)) { return { d: [e, f] }; }\n'],
])('%s is not, however long', (_, text) => {
  expect(isHeavy(filled(text))).toBe(false);
});

test('what nonsense people write in a line is no trouble', () => {
  expect(isHeavy(`Z${'\u0301\u0323\u0489'.repeat(20)}`.repeat(20))).toBe(false);
  expect(isHeavy('aب'.repeat(900))).toBe(false);
});
