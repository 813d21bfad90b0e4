/** What a provider is sent of a conversation, as a recording server of it gets it. */
import { openAgent } from '@timmy-tower/agent';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApp, type TestApp, testLimits, type TestSession } from './harness.ts';
import { type ModelCall, openSlowModel, type SlowModel } from './slow-model.ts';

let model: SlowModel;
let server: TestApp;
beforeAll(async () => {
  model = await openSlowModel();
  const agent = await openAgent({
    model: 'openai-compatible/test',
    agentName: 'Timmy',
    instructions: 'Be kind.',
    openaiBaseUrl: model.env['OPENAI_BASE_URL'],
  });
  server = await openTestApp({ agent, deps: { limits: { ...testLimits, maxOutputTokens: 20_000 } } });
});
afterAll(async () => {
  await server.close();
  await model[Symbol.asyncDispose]();
});

/** One turn, answered with these words. @returns what the provider was sent */
async function turn(session: TestSession, message: string, reply: string) {
  const answered = session.ask(message);
  const call: ModelCall = await model.called();
  await call.say(reply);
  call.finish();
  const { status, body } = await answered;
  expect(status).toBe(200);
  return { sent: call.messages, shown: body.history };
}

const characters = (messages: ModelCall['messages']) => messages.reduce((sum, { content }) => sum + content.length, 0);

test.each([
  ['a pasted text of 100,000 characters', 'A contract.'.padEnd(100_000, ' clause'), 'It is a contract.'],
  ['a reply of 30,000 characters', 'Write me a contract.', 'A contract.'.padEnd(30_000, ' clause')],
])('after %s, each follow-up sees what it needs', async (_, asked, replied) => {
  const session = await server.fund(100_000);
  await turn(session, asked, replied);
  for (const followUp of ['make it shorter', 'what did I ask first?']) {
    // oxlint-disable-next-line no-await-in-loop -- one turn after the other
    const { sent, shown } = await turn(session, followUp, 'Here you are.');
    expect(sent.map(({ role }) => role).slice(0, 3)).toEqual(['system', 'user', 'assistant']);
    expect(sent[1]!.content.slice(0, 10)).toBe(asked.slice(0, 10));
    expect(sent[2]!.content.slice(0, 10)).toBe(replied.slice(0, 10));
    expect(sent.at(-1)).toEqual({ role: 'user', content: followUp });
    expect(characters(sent)).toBeLessThan(4 * 4000);
    expect(shown).toMatchObject({ clipped: true, dropped: 0 });
  }
});

test('what is recalled stands before the new message, and the same prompt stays in front of it', async () => {
  const session = await server.fund(100_000);
  await turn(session, 'My cat is called Moka.', 'A fine name.');
  for (let n = 0; n < 6; n += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one turn after the other
    await turn(session, `How do I paint wall number ${n}?`, `With paint, as wall ${n} has it.`);
  }
  const question = 'What was my cat called again?';
  const { sent, shown } = await turn(session, question, 'Moka.');
  expect(shown).toMatchObject({ recalled: 2, clipped: false });
  expect(sent.slice(1, -1).map(({ content }) => content)).not.toContain('My cat is called Moka.');
  expect(sent[0]).toMatchObject({ role: 'system' });
  expect(sent[0]!.content).not.toContain('Moka');
  expect(sent.at(-1)!.role).toBe('user');
  expect(sent.at(-1)!.content).toMatch(
    /^<earlier_messages>\n[^]+Moka[^]+<\/earlier_messages>\n\nWhat was my cat called again\?$/,
  );
  const next = await turn(session, 'and my dog?', 'You have not said.');
  expect(next.sent.at(-2)!.content).toBe('Moka.');
  expect(next.sent.at(-3)!.content).toBe(question); // what was recalled is not stored
});
