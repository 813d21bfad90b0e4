export {
  createScriptedAgent,
  type ScriptedAgent,
  type ScriptedAgentOptions,
  type ScriptedCall,
  type ScriptedDelta,
  type ScriptedStep,
  type ScriptedTurn,
} from './scripted.ts';
