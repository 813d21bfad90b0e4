import type { Agent } from './agent.ts';
import { type BaseUrl, parseBaseUrl } from './base-url.ts';
import { createDemoAgent } from './demo.ts';
import type { Provider, ProviderSettings } from './providers/provider.ts';

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

interface Kind {
  /** @throws {RangeError} when a setting is missing or wrong */
  readonly readSettings: (modelId: string, settings: AgentSettings) => Omit<ProviderSettings, 'baseURL'> & BaseUrl;
  readonly load: () => Promise<(settings: ProviderSettings) => Provider>;
}

const kinds: Readonly<Record<string, Kind>> = {
  anthropic: {
    readSettings: readAnthropic,
    load: async () => (await import('./providers/anthropic.ts')).createAnthropicProvider,
  },
  openai: {
    readSettings: readOpenai,
    load: async () => (await import('./providers/openai.ts')).createOpenaiProvider,
  },
  'openai-compatible': {
    readSettings: readOpenaiCompatible,
    load: async () => (await import('./providers/openai-compatible.ts')).createOpenaiCompatibleProvider,
  },
};

/** `demo`, or a known kind of model with a name of its own. */
export const isModel = (model: string): boolean => model === 'demo' || readKind(model) !== undefined;

/**
 * Opens nothing, and repeats no value.
 * @throws {RangeError} when a setting is missing or wrong, saying which one and what to set
 */
export function checkAgentSettings(settings: AgentSettings): void {
  if (settings.model !== 'demo') readProvider(settings);
}

/**
 * The agent that the settings name. A provider's SDK is loaded only if it is the one that is used.
 * @throws {RangeError} as `checkAgentSettings`
 */
export async function openAgent(settings: AgentSettings): Promise<Agent> {
  const { model, agentName, instructions } = settings;
  if (model === 'demo') return createDemoAgent();
  const { load, search, ...providerSettings } = readProvider(settings);
  const createProvider = await load();
  const { createProviderAgent } = await import('./provider-agent.ts');
  return createProviderAgent({
    provider: createProvider(providerSettings),
    search,
    name: model,
    instructions: `You are ${agentName}.\n\n${instructions}`.trim(),
  });
}

function readProvider(settings: AgentSettings) {
  const found = readKind(settings.model);
  if (!found) throw new RangeError(`MODEL must be demo, ${MODELS}.`);
  return { load: found.kind.load, ...found.kind.readSettings(found.modelId, settings) };
}

const MODELS = 'anthropic/<model>, openai/<model> or openai-compatible/<model>';

function readKind(model: string): { kind: Kind; modelId: string } | undefined {
  const [name = '', ...rest] = model.split('/');
  const modelId = rest.join('/');
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  return kind && modelId !== '' ? { kind, modelId } : undefined;
}

// The SDKs read the environment for what they are not given: they are given everything.
const ANTHROPIC_BASE_URL = 'https://api.anthropic.com/v1';
const OPENAI_BASE_URL = 'https://api.openai.com/v1';

function readAnthropic(modelId: string, { anthropicApiKey, anthropicBaseUrl }: AgentSettings) {
  if (!anthropicApiKey) throw new RangeError('MODEL anthropic/… needs a key: set ANTHROPIC_API_KEY too.');
  const base = parseBaseUrl('ANTHROPIC_BASE_URL', anthropicBaseUrl || ANTHROPIC_BASE_URL);
  return { modelId, apiKey: anthropicApiKey, ...base };
}

function readOpenai(modelId: string, { openaiApiKey, openaiBaseUrl }: AgentSettings) {
  if (!openaiApiKey) {
    throw new RangeError(
      'MODEL openai/… needs a key: set OPENAI_API_KEY too, or use openai-compatible/<model> for a server without keys.',
    );
  }
  return { modelId, apiKey: openaiApiKey, ...parseBaseUrl('OPENAI_BASE_URL', openaiBaseUrl || OPENAI_BASE_URL) };
}

function readOpenaiCompatible(modelId: string, { openaiApiKey, openaiBaseUrl }: AgentSettings) {
  if (!openaiBaseUrl) {
    throw new RangeError(
      'MODEL openai-compatible/… needs an address: set OPENAI_BASE_URL too, such as http://127.0.0.1:11434/v1 for Ollama.',
    );
  }
  return { modelId, apiKey: openaiApiKey || undefined, ...parseBaseUrl('OPENAI_BASE_URL', openaiBaseUrl) };
}
