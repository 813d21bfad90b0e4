export { untilAborted } from './abort.ts';
export type { Agent, AgentHealth, ReplyEvent, ReplyOptions } from './agent.ts';
export { createDemoAgent, type DemoAgentOptions } from './demo.ts';
export { type AgentSettings, checkAgentSettings, isModel, openAgent } from './open.ts';
export { OutputMeter } from './output-meter.ts';
export { priceMsat, type Prices } from './price.ts';
export type { Prompt, PromptMessage } from './prompt.ts';
export { countTokens, MESSAGE_OVERHEAD_TOKENS } from './tokens.ts';
export { completeUsage, type Exchange, type ReportedUsage, type Usage } from './usage.ts';
