import type { Question } from './question.ts';

/** Japanese. Every answer stands in `said`, the user's own message. */
export const japaneseQuestions: readonly Question[] = [
  {
    said: '新しい決済システム、社内コードネームは「カワセミ」に決まりました。まとめ役は長谷部さんです。',
    replied: '素敵な名前ですね。関係者向けの案内文を作りましょうか？',
    question: 'カワセミのまとめ役って誰でしたっけ？',
  },
  {
    said: '検証サーバーを tsubaki-02 に移しました。ポートは9315、VPN経由でしか入れません。',
    replied: '承知しました。接続設定の例も必要でしたらお知らせください。',
    question: 'tsubaki-02に繋ぎたいんだけど、ポートいくつだった？',
  },
  {
    said: 'うちの柴犬のきなこ、病院で甲状腺の薬を出されて、朝晩0.3mgずつ飲ませることになった。',
    replied: 'お大事に。毎日なるべく同じ時間にあげると安定しやすいですよ。',
    question: 'きなこの甲状線の薬、一回何mgだっけ',
  },
  {
    said: '母の喜寿のお祝い、金沢の旅館「松風庵」を11月8日から二泊で取れた！予約番号はKZ-60417。',
    replied: 'おめでとうございます。近江町市場も近いので朝の散歩におすすめです。',
    question: '金沢で取った旅館、なんて名前だったかな？',
  },
  {
    said: '姪っ子の詩織が来月から盛岡の大学に通うんだけど、下宿先は上田三丁目の「コーポ柏木」203号室だって。',
    replied: '新生活ですね。岩手の冬は冷えるので、暖房器具は早めに用意すると安心です。',
    question: '詩織に荷物を送りたい。下宿は何号室だと言ってたっけ？',
  },
];

export const japaneseUnrelated: readonly string[] = [
  '「させていただく」と「いたします」はどう使い分ける？',
  '圧力鍋で玄米を炊くときの水加減を教えて',
  'ちなみに、Gitで直前のコミットだけ取り消すには？',
  '鎌倉幕府が滅びた原因を三行で説明して',
  '皆既月食はどうして赤く見えるんですか',
];

export const japanesePhrases: readonly string[] = [
  'ありがとう！',
  'もう少し短くして',
  '続けて',
  'なんで？',
  'もっと丁寧な言い方にしてください',
];
