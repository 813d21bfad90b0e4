/** How a stream is cut into events and into pieces. */
import { gzipSync } from 'node:zlib';

import { choice, usageChunk } from '../protocols/openai-compatible.ts';
import { type Protocol, stream } from '../protocols/protocol.ts';
import { chat, type Habit, readUsage, sentUsage as usage, staysOpen } from './habit.ts';

const text = 'Grüße, 世界 👩‍💻!';
const whole = (protocol: Protocol) => stream(protocol, { text, usage });
const gives = { text, usage: readUsage } as const;

const bytes = (content: string) => new TextEncoder().encode(content);
/** Each piece in a packet of its own. */
const cut = (content: string, size: number) => {
  const all = bytes(content);
  return Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.subarray(n * size, (n + 1) * size));
};

export const frames: readonly Habit[] = [
  { name: 'one byte at a time', sends: (protocol) => cut(whole(protocol), 1), gives },
  { name: 'seven bytes at a time', sends: (protocol) => cut(whole(protocol), 7), gives },
  { name: 'all in one packet', sends: whole, gives },
  { name: 'lines ended by CR and LF', sends: (protocol) => whole(protocol).replaceAll('\n', '\r\n'), gives },
  {
    name: 'lines ended by CR and LF, one byte at a time',
    sends: (protocol) => cut(whole(protocol).replaceAll('\n', '\r\n'), 1),
    gives,
  },
  { name: 'lines ended by CR', sends: (protocol) => whole(protocol).replaceAll('\n', '\r'), gives },
  { name: 'a byte order mark', sends: (protocol) => `\ufeff${whole(protocol)}`, gives },
  {
    name: 'a byte order mark before every event',
    sends: (protocol) => whole(protocol).replaceAll(/^(?=(?:event|data): )/gm, '\ufeff'),
    gives,
  },
  {
    name: 'a byte order mark before every event, one byte at a time',
    sends: (protocol) => cut(whole(protocol).replaceAll(/^(?=(?:event|data): )/gm, '\ufeff'), 1),
    gives,
  },
  {
    name: 'a byte order mark within a word',
    sends: (protocol) => stream(protocol, { text: 'a\ufeffb', usage }),
    gives: { text: 'a\ufeffb', usage: readUsage },
  },
  {
    name: 'spaces before every line',
    sends: (protocol) => whole(protocol).replaceAll(/^(?=(?:event|data): )/gm, ' \t'),
    gives,
  },
  {
    name: 'names of fields in capitals, and spaces behind them',
    kinds: chat,
    sends: (protocol) => cut(whole(protocol).replaceAll(/^data:/gm, 'Data :'), 3),
    gives,
  },
  {
    name: 'names of fields twice',
    kinds: chat,
    sends: (protocol) => whole(protocol).replaceAll(/^data:/gm, 'data: data:'),
    gives,
  },
  {
    name: 'bare JSON among the events',
    kinds: chat,
    sends: () =>
      [choice({ content: text.slice(0, 5) }), choice({ content: text.slice(5) }).slice('data: '.length)].join('') +
      choice({}, 'stop') +
      usageChunk(usage) +
      '[DONE]\n\n',
    gives,
  },
  { name: 'blank lines before all', sends: (protocol) => `\n\n\r\n${whole(protocol)}`, gives },
  { name: 'no space behind the colon', sends: (protocol) => whole(protocol).replaceAll(/^(\w+): /gm, '$1:'), gives },
  { name: 'no blank line at the end', sends: (protocol) => whole(protocol).trimEnd(), gives },
  {
    name: 'ids and retries with every event',
    sends: (protocol) => whole(protocol).replaceAll(/^data:/gm, 'id: 1\nretry: 10\ndata:'),
    gives,
  },
  {
    name: 'an event over several lines of data',
    sends: (protocol) => whole(protocol).replaceAll(/^data: \{/gm, 'data: {\ndata: '),
    gives,
  },
  {
    name: 'no blank lines between the events',
    kinds: chat,
    sends: (protocol) => whole(protocol).replaceAll('\n\n', '\n'),
    gives,
  },
  {
    name: 'no event names',
    sends: (protocol) => whole(protocol).replaceAll(/^event: .*\n/gm, ''),
    gives,
  },
  {
    name: 'event names that mean nothing',
    kinds: chat,
    sends: (protocol) => whole(protocol).replaceAll(/^data:/gm, 'event: message\ndata:'),
    gives,
  },
  {
    name: 'comments and words for "still here" between the events',
    sends: (protocol) =>
      whole(protocol).replaceAll('\n\n', '\n\n: OPENROUTER PROCESSING\n\n:\n\ndata: ping\n\ndata:\n\ndata: null\n\n'),
    gives,
  },
  {
    name: 'events of a kind that nobody knows',
    sends: (protocol) =>
      whole(protocol).replaceAll(
        '\n\n',
        '\n\nevent: news\ndata: {"type":"news.today","choices":null,"error":null}\n\n',
      ),
    gives,
  },
  {
    name: 'a packed body',
    sends: (protocol) => ({ headers: { 'content-encoding': 'gzip' }, steps: [gzipSync(whole(protocol))] }),
    gives,
  },
  {
    name: 'no content type',
    sends: (protocol) => ({ headers: { 'content-type': '' }, steps: [whole(protocol)] }),
    gives,
  },
  {
    name: 'a content type that is wrong',
    sends: (protocol) => ({ headers: { 'content-type': 'application/json' }, steps: [whole(protocol)] }),
    gives,
  },
  {
    name: 'a JSON body in place of a stream',
    sends: (protocol) => ({
      headers: { 'content-type': 'application/json' },
      steps: [protocol.whole({ text, usage })],
    }),
    gives,
  },
  {
    name: 'a JSON body behind white space that keeps the connection alive, and the socket stays open',
    sends: (protocol) => [
      '\n',
      { pauseMs: 20 },
      '   \n',
      { pauseMs: 20 },
      ...cut(protocol.whole({ text, thought: 'hm', usage }), 50),
      staysOpen,
    ],
    gives: { ...gives, reasoning: 'hm' },
  },
  {
    name: 'a JSON object a line in place of a stream',
    kinds: chat,
    sends: () =>
      (choice({ content: text }) + choice({}, 'stop') + usageChunk(usage)).replaceAll(/data: |\n(?=\n)/g, ''),
    gives,
  },
  {
    name: 'a JSON object a line, as they come',
    kinds: chat,
    sends: () =>
      [choice({ content: text.slice(0, 5) }), choice({ content: text.slice(5) }), choice({}, 'stop'), usageChunk(usage)]
        .map((event) => event.replaceAll(/data: |\n(?=\n)/g, ''))
        .flatMap((line) => [line, { pauseMs: 20 }]),
    gives,
  },
  {
    name: 'a JSON object a line, a byte order mark before each',
    kinds: chat,
    sends: () =>
      (choice({ content: text }) + choice({}, 'stop') + usageChunk(usage))
        .replaceAll(/data: |\n(?=\n)/g, '')
        .replaceAll(/^(?=\{)/gm, '\ufeff'),
    gives,
  },
  {
    name: 'a very large piece',
    sends: (protocol) => stream(protocol, { text: 'word '.repeat(200_000), usage: { input: 321, output: 200_001 } }),
    gives: { text: 'word '.repeat(200_000), usage: { inputTokens: 321, outputTokens: 200_001 } },
  },
  {
    name: 'a character that is no UTF-8',
    kinds: chat,
    sends: (protocol) => [
      bytes('data: {"choices":[{"index":0,"delta":{"content":"a'),
      Uint8Array.of(0xff),
      bytes('b"}}]}\n\n'),
      protocol.finish('stop', usage) + protocol.mark,
    ],
    gives: { text: 'a\ufffdb', usage: readUsage },
  },
];
