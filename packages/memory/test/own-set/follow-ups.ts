/** What people say in the middle of a conversation that has nothing to do with what was said before. */
export type Language = 'arabic' | 'chinese' | 'english' | 'german' | 'japanese' | 'thai';

export interface FollowUp {
  readonly language: Language;
  readonly text: string;
}

const listOf = (texts: Readonly<Record<Language, readonly string[]>>): FollowUp[] => {
  const languages = ['arabic', 'chinese', 'english', 'german', 'japanese', 'thai'] as const;
  return languages.flatMap((language) => texts[language].map((text) => ({ language, text })));
};

/** About something else. */
export const unrelated = listOf({
  english: [
    'What is the capital of Australia?',
    'Write a haiku about autumn leaves',
    'How do I reverse a list in Python?',
    'Who won the world cup in 1998?',
    'Explain photosynthesis to a ten year old',
    'Convert 70 miles to kilometres',
    'Can you give me a name for a bakery?',
    'What does the word petrichor mean?',
    'Is it safe to eat raw mushrooms?',
    'Translate "good luck" into Portuguese',
  ],
  german: [
    'Was ist die Hauptstadt von Australien?',
    'Schreib ein Gedicht über den Herbst',
    'Erkläre mir die Photosynthese',
    'Wie rechnet man Meilen in Kilometer um?',
  ],
  arabic: ['ما هي عاصمة أستراليا؟', 'اكتب قصيدة عن الخريف', 'اشرح لي التمثيل الضوئي', 'كيف أحول الأميال إلى كيلومترات؟'],
  thai: ['เมืองหลวงของออสเตรเลียคืออะไร', 'แต่งกลอนเกี่ยวกับฤดูใบไม้ร่วง', 'อธิบายการสังเคราะห์แสง', 'แปลงไมล์เป็นกิโลเมตรยังไง'],
  chinese: ['澳大利亚的首都是哪里？', '写一首关于秋天的诗', '解释一下光合作用', '一英里等于多少公里？'],
  japanese: [
    'オーストラリアの首都はどこ？',
    '秋についての俳句を書いて',
    '光合成を説明してください',
    'マイルをキロに換算して',
  ],
});

/** About the last reply, or about nothing. */
export const followUps = listOf({
  english: [
    'thanks!',
    'make it shorter',
    'ok',
    'go on',
    'and again, please',
    'why?',
    'sounds good',
    'can you say that in other words?',
    'no, the other one',
    'make it more formal',
  ],
  german: ['danke!', 'mach es kürzer', 'weiter', 'warum?'],
  arabic: ['شكرا!', 'اجعله أقصر'],
  thai: ['ขอบคุณ', 'ทำให้สั้นลง'],
  chinese: ['谢谢！', '短一点', '继续'],
  japanese: ['ありがとう！', 'もっと短くして', '続けて'],
});
