export {
  createScriptedAgent,
  type ScriptedAgent,
  type ScriptedAgentOptions,
  type ScriptedCall,
  type ScriptedStep,
  type ScriptedTurn,
} from './scripted.ts';
