import type { Exchange } from '../own-set/chatter.ts';

export const englishExchanges: readonly Exchange[] = [
  {
    said: "I repainted the hallway last weekend. The colour is Farrow & Ball 'Skimming Stone', no. 241, and two coats took about two and a half litres.",
    replied: 'Skimming Stone is a warm off-white, so it should lift a dark corridor nicely.',
    question: 'which paint did I use for the hallway? need to touch up a scuff',
    answeredBy: 'user',
  },
  {
    said: 'Kestrel-7 is our code name for the billing rewrite. Dana leads it, and we want it in front of the first customers by 14 October.',
    replied: 'Noted. Which customers go first?',
    question: 'when is kestrel 7 supposed to go live?',
    answeredBy: 'user',
  },
  {
    said: 'The job export-nightly kept dying with ERR_POOL_4471. It turned out the connection limit on the replica was 20; I raised it to 60 and it has been quiet since.',
    replied: 'Good find. Keep an eye on the memory of the replica, as every connection takes some.',
    question: 'Got ERR_POOL_4471 again, what did I change the last time?',
    answeredBy: 'user',
  },
  {
    said: "My sister Imogen is allergic to cashews, and her husband won't touch anything with coriander in it. They eat with us every second Sunday.",
    replied: 'Parsley works in most dishes instead of coriander, and sunflower seeds instead of cashews.',
    question: "Imogen and her husband are coming over tomorrow, is there anything I shouldn't put in the curry?",
    answeredBy: 'user',
  },
  {
    said: 'We booked the cottage in Llanberis for half-term, confirmation number QX83-1107. The key is in a lock box beside the gas meter, code 5920.',
    replied: 'Lovely. The mountain railway starts right in the village, if the weather holds.',
    question: 'what was the lock box code for the cotage again?',
    answeredBy: 'user',
  },
];
