import type { Exchange } from '../own-set/chatter.ts';

export const germanExchanges: readonly Exchange[] = [
  {
    said: 'Unsere Heizung ist eine Viessmann Vitodens 200, Baujahr 2014. Der Techniker hat den Druck auf 1,8 bar eingestellt und meinte, unter 1,2 sollten wir nachfüllen.',
    replied: 'Das sind übliche Werte für ein Einfamilienhaus.',
    question: 'Ab welchem Druck muss ich bei der Heizung Wasser nachfüllen?',
    answeredBy: 'user',
  },
  {
    said: 'Das Projekt heißt intern Zugvogel. Abgabe ist am 17. November, und die Ansprechpartnerin bei der Stadt ist Frau Özdemir.',
    replied: 'Dann bleiben Ihnen für den Entwurf noch gut zehn Wochen.',
    question: 'Wer war bei Zugvogel noch mal unsere Ansprechpartnerin?',
    answeredBy: 'user',
  },
  {
    said: 'Für Omas Geburtstag habe ich einen Kuchen mit Rapsöl statt Butter gemacht, 180 ml, und ihn 55 Minuten bei 170 Grad gebacken. Er ist wunderbar saftig geworden.',
    replied: 'Öl hält den Teig tatsächlich länger feucht als Butter.',
    question: 'Wie lange hatte ich den Geburtstagskuchen im Ofen?',
    answeredBy: 'user',
  },
  {
    said: 'Mein Fahrrad wurde letzte Woche gestohlen. Die Rahmennummer ist WOW00327K, die Anzeige läuft unter dem Aktenzeichen 4418/26.',
    replied: 'Das tut mir leid. Melden Sie es auch gleich der Hausratversicherung.',
    question: 'Die Versicherung fragt nach dem Aktenzeichen von meinem gestohlenen Rad, hast du das noch?',
    answeredBy: 'user',
  },
  {
    said: 'Mit dem Vermieter habe ich vereinbart, dass er die Fenster im Schlafzimmer bis Ende September austauscht und wir solange 8 Prozent weniger Miete zahlen.',
    replied: 'Lassen Sie sich das am besten kurz schriftlich bestätigen.',
    question: 'Um wieviel haben wir die Miete gemindert, bis die Fesnter getauscht sind?',
    answeredBy: 'user',
  },
];
