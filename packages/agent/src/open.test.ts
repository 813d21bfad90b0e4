import { afterEach, describe, expect, test, vi } from 'vitest';

import { checkAgentSettings, isModel, openAgent } from './open.ts';

const persona = { agentName: 'Timmy', instructions: 'Be brief.' };

describe('opening an agent', () => {
  afterEach(() => vi.unstubAllEnvs());

  test('needs nothing for the demo', async () => {
    expect((await openAgent({ model: 'demo', ...persona })).model).toBe('demo');
  });

  test.each([
    ['anthropic/claude-test', 'ANTHROPIC_API_KEY'],
    ['openai/gpt-test', 'OPENAI_API_KEY'],
    ['openai-compatible/llama-test', 'OPENAI_BASE_URL'],
  ])('names the setting that %s lacks, though the environment has it', async (model, setting) => {
    vi.stubEnv(setting, setting === 'OPENAI_BASE_URL' ? 'http://127.0.0.1:1/v1' : 'sk-from-the-environment');
    const given = { model, ...persona, anthropicApiKey: '', openaiApiKey: undefined, openaiBaseUrl: '' };
    await expect(openAgent(given)).rejects.toThrow(`set ${setting} too`);
    expect(() => checkAgentSettings(given)).toThrow(`set ${setting} too`);
    expect(isModel(model)).toBe(true);
  });

  test.each(['', 'sk-hunter2', 'claude', 'anthropic', 'anthropic/', 'mistral/large', 'constructor/x', 'demo/'])(
    'refuses the model "%s" and says which there are, not what it was given',
    async (model) => {
      const opening = openAgent({ model, ...persona });
      await expect(opening).rejects.toThrow(
        /^MODEL must be demo, anthropic\/<model>, openai\/<model> or openai-compatible\/<model>\.$/,
      );
      await expect(opening).rejects.toThrow(RangeError);
      expect(isModel(model)).toBe(false);
    },
  );

  test.each(['localhost:11434', 'ftp://localhost/v1', '/v1', 'http://user:secret@localhost/v1'])(
    'refuses the base URL %s without repeating it',
    async (openaiBaseUrl) => {
      for (const model of ['openai/gpt-test', 'openai-compatible/llama-test']) {
        const opened = openAgent({ model, ...persona, openaiApiKey: 'sk-test', openaiBaseUrl });
        await expect(opened).rejects.toThrow(/^OPENAI_BASE_URL must be an http or https URL/);
      }
    },
  );
});
