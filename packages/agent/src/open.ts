import type { Agent } from './agent.ts';
import type { AiSdkAgentOptions } from './ai-sdk.ts';
import { createDemoAgent } from './demo.ts';

export interface AgentSettings {
  /** `demo`, `anthropic/<model>`, `openai/<model>` or `openai-compatible/<model>`. */
  readonly model: string;
  /** What the agent calls itself. */
  readonly agentName: string;
  /** Its persona, after its name in the system prompt. */
  readonly instructions: string;
  readonly anthropicApiKey?: string | undefined;
  readonly anthropicBaseUrl?: string | undefined;
  readonly openaiApiKey?: string | undefined;
  readonly openaiBaseUrl?: string | undefined;
}

type Model = AiSdkAgentOptions['model'];

// Both SDKs read the environment for what they are not given: they are given everything.
const ANTHROPIC_BASE_URL = 'https://api.anthropic.com/v1';
const OPENAI_BASE_URL = 'https://api.openai.com/v1';

const providers: Readonly<Record<string, (modelId: string, settings: AgentSettings) => Promise<Model>>> = {
  anthropic: openAnthropic,
  openai: openOpenai,
  'openai-compatible': openOpenaiCompatible,
};

/**
 * The agent that the settings name. A provider's SDK is loaded only if it is the one that is used.
 * @throws {Error} when a setting is missing or wrong, saying which one and what to set
 */
export async function openAgent(settings: AgentSettings): Promise<Agent> {
  const { model, agentName, instructions } = settings;
  if (model === 'demo') return createDemoAgent();
  const [provider = '', ...rest] = model.split('/');
  const modelId = rest.join('/');
  const open = Object.hasOwn(providers, provider) ? providers[provider] : undefined;
  if (open === undefined || modelId === '') {
    throw new Error(
      `MODEL is "${model}": set it to demo, anthropic/<model>, openai/<model> or openai-compatible/<model>.`,
    );
  }
  const languageModel = await open(modelId, settings);
  const { createAiSdkAgent } = await import('./ai-sdk.ts');
  return createAiSdkAgent({
    model: languageModel,
    name: model,
    instructions: `You are ${agentName}.\n\n${instructions}`.trim(),
  });
}

async function openAnthropic(modelId: string, { anthropicApiKey, anthropicBaseUrl }: AgentSettings): Promise<Model> {
  if (!anthropicApiKey) throw new Error(`MODEL is anthropic/${modelId}: set ANTHROPIC_API_KEY too.`);
  const { createAnthropic } = await import('@ai-sdk/anthropic');
  return createAnthropic({ apiKey: anthropicApiKey, baseURL: anthropicBaseUrl || ANTHROPIC_BASE_URL })(modelId);
}

async function openOpenai(modelId: string, { openaiApiKey, openaiBaseUrl }: AgentSettings): Promise<Model> {
  if (!openaiApiKey) {
    throw new Error(
      `MODEL is openai/${modelId}: set OPENAI_API_KEY too, or use openai-compatible/${modelId} for a server without keys.`,
    );
  }
  const { createOpenAI } = await import('@ai-sdk/openai');
  const baseURL = openaiBaseUrl ? checkUrl(openaiBaseUrl) : OPENAI_BASE_URL;
  return createOpenAI({ apiKey: openaiApiKey, baseURL })(modelId);
}

async function openOpenaiCompatible(modelId: string, { openaiApiKey, openaiBaseUrl }: AgentSettings): Promise<Model> {
  if (!openaiBaseUrl) {
    throw new Error(
      `MODEL is openai-compatible/${modelId}: set OPENAI_BASE_URL too, such as http://127.0.0.1:11434/v1 for Ollama.`,
    );
  }
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
  return createOpenAICompatible({
    name: 'openai-compatible',
    baseURL: checkUrl(openaiBaseUrl),
    includeUsage: true,
    ...(openaiApiKey ? { apiKey: openaiApiKey } : {}),
  })(modelId);
}

function checkUrl(text: string): string {
  const url = URL.parse(text);
  const isUsable = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  if (!isUsable) throw new Error('OPENAI_BASE_URL must be an http or https URL without a user name or password in it.');
  return text;
}
