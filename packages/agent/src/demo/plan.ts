/** The demo's plans: made from the question's own words, so that any topic gets one. */
import { parseTask, type Task } from './topic.ts';

type Steps = (task: string, parts: Task) => readonly string[];

/** Each step is a head, a colon and the rest: that is what `condense` and `explainStep` take apart. */
const kinds: readonly { readonly tasks: RegExp; readonly steps: Steps }[] = [
  {
    tasks:
      /^(?:brew|bake|cook|boil|fry|roast|grill|steep|steam|poach|scramble|ferment|toast|(?:make|prepare) (?:an? |some |the |good |your )*(?:coffee|tea|bread|pizza|pasta|soup|salad|rice|eggs?|pancakes?|cake|cookies|dinner|lunch|breakfast))\b/i,
    steps: (task, { verb, thing }) => [
      `Gather: have everything you need to ${task} within reach before you begin.`,
      `Measure: get the amounts right, because guessing is what usually spoils ${thing}.`,
      `Heat: bring the water, the pan or the oven to temperature first.`,
      `${capitalise(verb)}: go slowly, and watch ${thing} rather than the clock.`,
      `Taste: try the result, change one thing, and remember it for next time.`,
    ],
  },
  {
    tasks: /^(?:fix|repair|debug|unclog|troubleshoot|solve|stop|remove|clean|mend|get rid)\b/i,
    steps: (task, { thing }) => [
      `Look: see exactly what is wrong before you ${task}, and write it down.`,
      `Isolate: rule out one cause after another until a single one is left.`,
      `Prepare: have the tools and a way back ready before you touch ${thing}.`,
      `Change: alter one thing at a time, never two at once.`,
      `Check: use ${thing} as you normally would, and see that the trouble stays away.`,
    ],
  },
  {
    tasks: /^(?:learn|study|practi[sc]e|memori[sz]e|understand|speak|play|improve|master)\b/i,
    steps: (task) => [
      `Choose: pick one small goal that would show that you can ${task}.`,
      `Find: take one good source for it, and leave the others for later.`,
      `Practise: spend twenty minutes on it every day rather than a long evening once a week.`,
      `Use: ${task} for something real, and notice what is still hard.`,
      `Repeat: go back to the hard parts each week and take them a little further.`,
    ],
  },
];

const anySteps: Steps = (task) => [
  `Decide: say in one sentence what it means to ${task} well.`,
  `Gather: collect what you need to ${task}, and find somebody who has done it before.`,
  `Start: do the smallest part that works, and leave the rest for later.`,
  `Continue: add one part at a time, and check each before the next.`,
  `Review: see whether you managed to ${task}, and note what to do differently next time.`,
];

const TITLE = 'Here is how to ';

/** A short numbered plan for a task such as `brew coffee`. */
export function planFor(task: string): string {
  const parts = parseTask(task);
  const steps = kinds.find(({ tasks }) => tasks.test(task))?.steps ?? anySteps;
  const lines = steps(task, parts).map((step, index) => `${index + 1}. ${step}`);
  return `${TITLE}${task}:\n\n${lines.join('\n')}`;
}

/** What a list is about, from the line above it: `Brew coffee`. */
export function subjectOf(title: string): string {
  const bare = title
    .replaceAll(/[#*_`]/g, '')
    .replace(/[\s:.]+$/, '')
    .trim();
  return capitalise(bare.replace(/^here is how to /i, ''));
}

export function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
