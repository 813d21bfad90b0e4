import type { Question } from './question.ts';

/** German. Every answer stands in `said`, the user's own message. */
export const germanQuestions: readonly Question[] = [
  {
    said: 'Kurz zur Info: Der Mietwagen in Split ist ein grauer Skoda, Kennzeichen ST 4417-KB, steht auf Parkdeck C.',
    replied: 'Danke, dann findet ihr ihn ja leicht. Gute Fahrt!',
    question: 'Auf welchem Parkdeck stand unser Mietwagen in Split?',
  },
  {
    said: 'Unsere Hausverwaltung heißt jetzt Brüggemann & Söhne, zuständig für uns ist Frau Tietjen, Durchwahl 318.',
    replied: 'Soll ich die neue Adresse auch gleich in das Kündigungsschreiben setzen?',
    question: 'Wie war noch mal die Durchwahl von der Tietjen?',
  },
  {
    said: 'Das neue Kundenportal läuft intern unter dem Namen Zaunkönig, Abgabe ist am 17. September.',
    replied: 'Verstanden. Das lässt euch noch gut Luft für die Tests.',
    question: 'Bis wann müssen wir Zaunkönig eigentlich abgeben?',
  },
  {
    said: 'Zu OPS-20931: Der Import bricht ab, sobald eine IBAN Leerzeichen enthält. Jonte hat das am Freitag gefunden.',
    replied: 'Das passt zum Stacktrace. Die Leerzeichen vor der Prüfung zu entfernen, würde reichen.',
    question: 'Woran lag es bei OPS-20931, dass der Improt abgebrochen ist?',
  },
  {
    said: 'Meine Nichte Fenja wird am Samstag sieben, sie verträgt keine Haselnüsse und wünscht sich einen Kuchen mit Axolotl drauf.',
    replied: 'Wie süß! Dann nimm am besten gemahlene Sonnenblumenkerne für den Boden.',
    question: 'was für ein Tier wollte Fenja auf ihrem Geburtstagskuchn haben?',
  },
];

export const germanUnrelated: readonly string[] = [
  'Wie entkalke ich einen Wasserkocher ohne Essig?',
  'Und was ist der Unterschied zwischen Rebase und Merge?',
  'Heißt es „wegen dem Regen“ oder „wegen des Regens“?',
  'Wer hat 1954 das Endspiel in Bern gepfiffen?',
  'Kannst du mir erklären, wie eine Wärmepumpe funktioniert?',
];

export const germanPhrases: readonly string[] = [
  'danke dir!',
  'mach das bitte kürzer',
  'weiter',
  'wieso das denn?',
  'geht das auch etwas höflicher?',
];
