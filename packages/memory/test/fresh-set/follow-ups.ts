/** What has nothing to do with anything said before. */
import type { Language } from '../own-set/follow-ups.ts';

/** Questions of general interest. */
export const unrelated: Readonly<Record<Language, readonly string[]>> = {
  arabic: [
    'لماذا يبدو القمر أحيانًا أحمر اللون؟',
    'اشرح لي الفرق بين التضخم والركود',
    'اكتب قصيدة قصيرة عن الصحراء',
    'كيف تعمل الألواح الشمسية؟',
    'من هو ابن بطوطة وأين سافر؟',
  ],
  chinese: [
    '用简单的话解释一下量子纠缠',
    '唐朝为什么会衰落？',
    '帮我写一段快速排序的代码',
    '珊瑚礁为什么会白化？',
    '国际象棋里的王车易位有什么规则？',
  ],
  english: [
    'How do vaccines train the immune system?',
    'Write a SQL query that returns the second highest salary',
    'Why did the Roman Republic turn into an empire?',
    'Can you help me with a cover letter for a job in a museum?',
    "What's the difference between a crocodile and an alligator?",
  ],
  german: [
    'Wie entsteht eigentlich ein Polarlicht?',
    'Erklär mir den Unterschied zwischen Dativ und Akkusativ',
    'Schreib mir einen regulären Ausdruck für Postleitzahlen',
    'Was waren die Ursachen des Dreißigjährigen Krieges?',
    'Welche Vögel können rückwärts fliegen?',
  ],
  japanese: [
    '光合成の仕組みを中学生にもわかるように説明してください',
    '江戸時代の参勤交代はなぜ行われたのですか？',
    'Pythonでリストの重複を取り除くには？',
    '俳句と川柳の違いは何ですか？',
    '火山はどのように噴火するのでしょうか',
  ],
  thai: [
    'ทำไมท้องฟ้าถึงเป็นสีฟ้า',
    'อธิบายทฤษฎีสัมพัทธภาพแบบง่าย ๆ',
    'กรุงศรีอยุธยาล่มสลายเพราะอะไร',
    'ช่วยแต่งกลอนสี่เกี่ยวกับทะเล',
    'วาฬกับโลมาต่างกันอย่างไร',
  ],
};

/** Thanks, and what is asked about the last reply. */
export const phrases: Readonly<Record<Language, readonly string[]>> = {
  arabic: ['شكرًا جزيلًا!', 'اختصرها أكثر', 'كمّل', 'لماذا؟'],
  chinese: ['谢谢你！', '再简短一点', '继续说', '为什么呢？'],
  english: ['thanks a lot!', 'make it shorter', 'continue', 'why?'],
  german: ['Vielen Dank!', 'Kannst du das kürzer fassen?', 'Mach weiter', 'Warum das?'],
  japanese: ['ありがとうございます！', 'もっと短くしてください', '続けて', 'どうして？'],
  thai: ['ขอบคุณมากค่ะ', 'ขอสั้นกว่านี้หน่อย', 'ต่อเลย', 'ทำไมล่ะ'],
};
