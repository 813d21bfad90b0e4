import type { Exchange } from '../own-set/chatter.ts';

export const japaneseExchanges: readonly Exchange[] = [
  {
    said: 'うちの車はスバルのレヴォーグで、車検は来年の2月18日までです。タイヤは去年の秋に替えました。',
    replied: '車検は満了日の二か月前から受けられます。',
    question: '車検っていつまでだったっけ？',
    answeredBy: 'user',
  },
  {
    said: '社内で「ひばり計画」と呼んでいる案件は、予算が480万円で、窓口は総務の長谷川さんです。',
    replied: '承知しました。見積もりの比較表も作りましょうか。',
    question: 'ひばり計画の予算はいくらでしたか？',
    answeredBy: 'user',
  },
  {
    said: '娘のピアノの発表会は7月5日、市民ホールで、曲はブルグミュラーの「貴婦人の乗馬」に決まりました。',
    replied: '軽やかなリズムが聴きどころの曲ですね。',
    question: '娘が発表会で弾くのって何だった？',
    answeredBy: 'user',
  },
  {
    said: '夜間バッチが ORA-12514 で落ちた件、リスナーの設定でサービス名を間違えていたのが原因でした。',
    replied: '設定を変えたらリスナーの再読み込みも忘れずに。',
    question: 'また ORA-12514 が出ました。前回は何が悪かったんでしたっけ',
    answeredBy: 'user',
  },
  {
    said: '今年の梅酒は南高梅1キロに氷砂糖を600グラム、ホワイトリカーを1.8リットルで漬けました。甘さ控えめです。',
    replied: '半年ほどで飲めますが、一年置くとまろやかになります。',
    question: 'この前漬けた梅酒、砂糖はどれくらい入れたか教えて',
    answeredBy: 'user',
  },
];
