export { type BlockMessage, renderBlock } from './block.ts';
export { type Recalled, type RecallRequest, type RecallableMessage, recall } from './choose.ts';
export { type Clippable, clipTurn } from './clip.ts';
export {
  MIN_CLIPPED_TOKENS,
  MIN_TOKEN_BUDGET,
  type PromptWindow,
  promptWindow,
  type StoredMessage,
  toTurns,
  type WindowBounds,
} from './turns.ts';
