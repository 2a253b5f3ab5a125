// Reads a file line by line with bounded memory.
import { isUtf8 } from 'node:buffer';

/** Records have at most a few hundred KB. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
const NEWLINE = 10;

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  /** false: the file ends before the end of the line. */
  readonly isWhole: boolean;
  /** The bytes of the file up to the end of the line. */
  readonly endOffset: number;
}

/** A fault of the file. */
export class LineError extends Error {
  override readonly name = 'LineError';

  constructor(
    readonly line: number,
    fault: string,
  ) {
    super(`line ${line}: ${fault}`);
  }
}

/** Rejects with LineError. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line, void> {
  let [number, endOffset] = [0, 0];
  const toLine = (bytes: Buffer, isWhole: boolean): Line => {
    number += 1;
    endOffset += bytes.length + (isWhole ? 1 : 0);
    // The last one may end within a character.
    if (isWhole && !isUtf8(bytes)) throw new LineError(number, 'this is not valid UTF-8');
    return { number, text: bytes.toString(), isWhole, endOffset };
  };
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      yield toLine(Buffer.concat([...rest, chunk.subarray(start, end)]), true);
      [rest, restBytes, start] = [[], 0, end + 1];
    }
    rest.push(chunk.subarray(start));
    restBytes += chunk.length - start;
    if (restBytes > MAX_LINE_BYTES) throw new LineError(number + 1, 'the line is too long');
  }
  if (restBytes > 0) yield toLine(Buffer.concat(rest), false);
}
