import { expect, test } from 'vitest';

import { dropKept } from '../keyring.ts';
import { chooseMemory, memoryLevelOf } from './memory-choice.ts';

test('each session has a choice of its own, and those who follow it hear of it', () => {
  const heard: string[] = [];
  const stop = memoryLevelOf('one').subscribe(() => heard.push(memoryLevelOf('one').get()));
  chooseMemory('one', 'long');
  chooseMemory('two', 'short');
  chooseMemory('one', 'normal');
  stop();
  expect(heard).toEqual(['long', 'long', 'normal']);
  expect(memoryLevelOf('two').get()).toBe('short');
});

test('the choice is forgotten with the session', () => {
  chooseMemory('three', 'short');
  dropKept('three');
  expect(memoryLevelOf('three').get()).toBe('normal');
});
