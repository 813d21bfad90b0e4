export type { Agent, Prompt, PromptMessage, ReplyEvent, ReplyOptions, Usage } from './agent.ts';
export { createDemoAgent, type DemoAgentOptions } from './demo.ts';
export { type AgentSettings, openAgent } from './open.ts';
export { priceMsat, type Prices } from './price.ts';
export { countTokens, estimateUsage, MESSAGE_OVERHEAD_TOKENS, type UncountedReply } from './tokens.ts';
