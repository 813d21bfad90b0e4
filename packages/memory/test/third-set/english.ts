import type { Question } from './question.ts';

/** English. Every answer stands in `said`, the user's own message. */
export const englishQuestions: readonly Question[] = [
  {
    said: "Heads-up: ops renamed the staging box to heron-04 and it's on port 8447 now, the old one's gone.",
    replied: "Noted. I'll use the new address in the deploy script from here on.",
    question: 'which port was heron-04 on again?',
  },
  {
    said: 'We finally picked a code name for the billing rewrite: Thistledown. Priyanka is leading it, and the pilot starts with the Galway office.',
    replied: 'Nice name! Shall I draft a kickoff note?',
    question: 'Which office is doing the Thistledwon pilot?',
  },
  {
    said: 'The vet in Llandudno put Biscuit on 12 mg of prednisolone a day, then half of that after ten days.',
    replied: "Poor thing. Give it with food, and don't stop it abruptly.",
    question: 'How much prednisolone is Biscuit suposed to get per day?',
  },
  {
    said: "Booked the trip home: EI 3247 out of Knock, confirmation QX7R2M, and I'm in 14C.",
    replied: 'Great, an aisle seat. Online check-in usually opens a day or two before.',
    question: "I'm at the check-in page, what's my confirmation code for the Knock flight?",
  },
  {
    said: 'My landlady, Mrs Okonkwo, says the spare key is with the guy at number 27, Dermot, the one with the greyhounds.',
    replied: "Good to know in case you're ever locked out.",
    question: 'Locked myself out... who did Mrs. Okonkwo say has our spare key?',
  },
];

export const englishUnrelated: readonly string[] = [
  "What's the difference between a mutex and a semaphore?",
  'And can I freeze the dough overnight, or does it have to be used the same day?',
  'Who wrote the music for Spirited Away?',
  'How do I convert 350 Fahrenheit to Celsius in my head?',
  'Is it "fewer people" or "less people"?',
];

export const englishPhrases: readonly string[] = [
  'thanks a lot!',
  'make it a bit shorter',
  'go on',
  'why though?',
  'can you say that more politely',
];
