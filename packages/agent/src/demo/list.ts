import type { PromptMessage } from '../prompt.ts';

export interface ListItem {
  /** Its place in the list, from 1. */
  readonly number: number;
  readonly text: string;
}

/** A numbered list as it stands in a message. */
export interface NumberedList {
  /** The line above the first item, or `''`. */
  readonly title: string;
  readonly items: readonly ListItem[];
}

const itemLine = /^\s{0,8}(\d{1,3})[.)]\s+(\S.*)$/;

/** The first numbered list of a text: at least two items, counting from 1. */
export function findList(text: string): NumberedList | undefined {
  const items: ListItem[] = [];
  let title = '';
  for (const line of text.split('\n')) {
    const [, number, item] = itemLine.exec(line) ?? [];
    if (number !== undefined && item !== undefined && Number(number) === items.length + 1) {
      items.push({ number: Number(number), text: item.trim() });
    } else if (items.length === 0 && line.trim() !== '') {
      title = line.trim();
    }
  }
  return items.length > 1 ? { title, items } : undefined;
}

/** The newest numbered list in a conversation. */
export function findLastList(history: readonly PromptMessage[]): NumberedList | undefined {
  for (const { content } of history.toReversed()) {
    const list = findList(content);
    if (list !== undefined) return list;
  }
  return undefined;
}

/** What an item is about: what stands before its colon, or its first words. */
export function headOf({ text }: ListItem): string {
  const beforePause =
    text
      .split(/[:;,.!?(–—]/)[0]
      ?.replaceAll(/[*_`]/g, '')
      .trim() ?? '';
  const words = (beforePause === '' ? text : beforePause).split(/\s+/);
  return words.slice(0, MAX_HEAD_WORDS).join(' ');
}

const MAX_HEAD_WORDS = 5;
