/** The JSON events of a provider's answer, however it is cut, marked and ended. */
import { createParser } from 'eventsource-parser';

import { isEndMark } from './end-mark.ts';
import { isObject, type JsonObject, parseJson } from './json.ts';
import { LineStarts } from './line-starts.ts';
import { ProviderFailure } from './provider-failure.ts';

/** One event, the end mark, or what cannot be read. `name` is the `event:` line's. */
export type ServerEvent = { readonly name: string | undefined; readonly json: JsonObject } | 'done' | ProviderFailure;

/** Longer than any event of a reply, and than a whole reply in one piece. */
const MAX_EVENT_LENGTH = 16 * 1024 * 1024;
/** All that is parsed of a body which is no stream: it is parsed again and again while it grows. */
const MOST_PARSED_LENGTH = 4 * MAX_EVENT_LENGTH;

/**
 * A list for each piece that arrives: an empty one is a sign of life. A body that is one JSON document, not events, gives one
 * event, and the end mark when it ends.
 */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<readonly ServerEvent[]> {
  const decoder = new TextDecoder();
  let reader: BodyReader | undefined;
  let beginning = '';
  for await (const bytes of body) {
    const text = decoder.decode(bytes, { stream: true });
    if (reader) yield reader.read(text);
    else {
      beginning = (beginning + text).trimStart();
      if (beginning !== '') reader = readerFor(beginning);
      yield reader?.read(beginning) ?? [];
    }
  }
  if (reader) yield reader.end(decoder.decode());
}

interface BodyReader {
  read(text: string): ServerEvent[];
  /** The rest, though its end is missing. */
  end(text: string): ServerEvent[];
}

const notJson = () => new ProviderFailure('broken', { code: 'not_json' });
const tooLong = () => new ProviderFailure('broken', { code: 'event_too_long' });
const webPage = () => new ProviderFailure('out-of-order', { code: 'web_page' });

function readerFor(beginning: string): BodyReader {
  if (beginning.startsWith('<')) return { read: () => [webPage()], end: () => [] };
  return beginning.startsWith('{') || beginning.startsWith('[') ? readWhole() : readStream();
}

function readStream(): BodyReader {
  let events: ServerEvent[] = [];
  let isTooLong = false;
  const parser = createParser({
    maxBufferSize: MAX_EVENT_LENGTH,
    onEvent: ({ event, data }) => events.push(...readData(event, data.trim())),
    onError: (error) => {
      if (error.type !== 'max-buffer-size-exceeded') return;
      isTooLong = true;
      events.push(tooLong());
    },
  });
  const starts = new LineStarts();
  const feed = (text: string) => {
    events = [];
    if (!isTooLong) parser.feed(text);
    return events;
  };
  return {
    read: (text) => feed(starts.mend(text)),
    end: (text) => feed(`${starts.mend(text)}${starts.end()}\n\n`),
  };
}

/** One JSON document or several, one a line; each is read as soon as it can be, for the connection may stay open. */
function readWhole(): BodyReader {
  let rest = '';
  let documents = 0;
  let parsedLength = 0;
  const take = (found: readonly JsonObject[][]): ServerEvent[] => {
    rest = '';
    documents += found.length;
    return found.flat().map((json) => ({ name: undefined, json }));
  };
  const read = (text: string): ServerEvent[] => {
    rest += text;
    if (rest.length > MAX_EVENT_LENGTH) return [tooLong()];
    if (!/[}\]]\s*$/.test(text) || parsedLength > MOST_PARSED_LENGTH) return [];
    parsedLength += rest.length;
    const found = documentsIn(rest);
    return found ? take(found) : [];
  };
  const end = (text: string): ServerEvent[] => {
    rest += text;
    const found = documentsIn(rest);
    if (!found) return readData(undefined, rest);
    const events = take(found);
    // One that is whole is a whole reply, whatever it says of its end; of several the last may be missing.
    return documents === 1 ? [...events, 'done'] : events;
  };
  return { read, end };
}

/** The objects of each document, none in a blank text; undefined when there is anything else. */
function documentsIn(text: string): JsonObject[][] | undefined {
  const whole = objectsIn(text);
  if (whole) return [whole];
  const documents: JsonObject[][] = [];
  for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
    const objects = objectsIn(line);
    if (!objects) return undefined;
    documents.push(objects);
  }
  return documents;
}

/** Without blank lines between them, several events arrive as the lines of one. */
function readData(name: string | undefined, data: string): ServerEvent[] {
  const objects = objectsIn(data);
  if (objects !== undefined) return objects.map((json) => ({ name, json: typed(name, json) }));
  const lines = data.split('\n');
  return lines.length > 1 ? lines.flatMap((line) => readData(name, line.trim())) : readLine(name, data);
}

/** What is neither JSON nor the end mark says nothing, but by its event's name: `ping`, `ok`, an empty line. */
function readLine(name: string | undefined, line: string): ServerEvent[] {
  if (name === 'error') return [{ name, json: { error: line || name } }];
  if (isEndMark(name, line)) return ['done'];
  if (line.includes('{')) return [notJson()];
  return name === undefined ? [] : [{ name, json: typed(name, {}) }];
}

/** Some tell an event's type by its name alone. */
function typed(name: string | undefined, json: JsonObject): JsonObject {
  return name === undefined ? json : { type: name, ...json };
}

/** A JSON object, or the objects of a list; undefined for what is neither. Some put JSON into a JSON text. */
function objectsIn(text: string): JsonObject[] | undefined {
  const json = parseJson(text.trim());
  if (isObject(json)) return [json];
  if (typeof json === 'string' && json.includes('{')) return objectsIn(json);
  return Array.isArray(json) ? json.filter(isObject) : undefined;
}
