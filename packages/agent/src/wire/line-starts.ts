/**
 * Mends the beginnings of an event stream's lines, wherever it is cut. What does not begin with a field's name is dropped by
 * those who read events, and so is an event without data: a reply would miss a piece that nobody misses. So byte order marks
 * and white space are taken away, names are spelled right, bare JSON is given one, and every named event has data. llama.cpp
 * sends a field called `error` (read 2026-11): an event of that name.
 */
export class LineStarts {
  #held = '';
  #isInLine = false;

  /** All but the beginning of a line that is too short to be told. */
  mend(text: string): string {
    const all = this.#held + text;
    const last = Math.max(all.lastIndexOf('\n'), all.lastIndexOf('\r')) + 1;
    const isBeginning = last > 0 || !this.#isInLine;
    const length = isBeginning && all.length - last < LONGEST_START ? last : all.length;
    const mended = mendLines(all.slice(0, length), this.#isInLine);
    this.#held = all.slice(length);
    this.#isInLine = !isBeginning || length > last;
    return mended;
  }

  /** The rest, at the end of the stream. */
  end(): string {
    const rest = mendLines(this.#held, this.#isInLine);
    this.#held = '';
    return rest;
  }
}

const LONGEST_START = 16;
const START = /(?<=^|[\r\n])[^\S\r\n]*(?:((?:data[^\S\r\n]*:[^\S\r\n]*)+|(?=[{[]))|(event|error)[^\S\r\n]*:|)/gi;

function mendLines(text: string, isInLine: boolean): string {
  const from = isInLine ? text.search(/[\r\n]|$/) : 0;
  const lines = text.slice(from);
  return text.slice(0, from) + lines.replaceAll(START, (_, data?: string, named?: string) => fieldOf(data, named));
}

function fieldOf(data: string | undefined, named: string | undefined): string {
  if (data !== undefined) return 'data:';
  if (named === undefined) return '';
  return named.toLowerCase() === 'error' ? 'event:error\ndata:' : 'data:\nevent:';
}
