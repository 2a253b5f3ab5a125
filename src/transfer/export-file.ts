// The file that an export is written to, so that an export that was interrupted can be continued.
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type Header, parseHeader, parseLine } from './export-format.js';
import type { ResumePoint } from './exporter.js';
import { LineError, linesOf } from './lines.js';

/** Ids of participants are nobody else's business. */
const PRIVATE = 0o600;

interface Progress {
  readonly isComplete: boolean;
  /** undefined: not even the header is written. */
  readonly resumePoint?: ResumePoint;
  /** The end of the last whole line, in bytes. */
  readonly endOffset: number;
}

export class ExportFile {
  readonly isComplete: boolean;
  readonly resumePoint: ResumePoint | undefined;
  readonly #handle: FileHandle;
  #offset: number;

  private constructor(handle: FileHandle, { isComplete, resumePoint, endOffset }: Progress) {
    this.#handle = handle;
    this.isComplete = isComplete;
    this.resumePoint = resumePoint;
    this.#offset = endOffset;
  }

  /** Rejects if it exists. */
  static async create(path: string): Promise<ExportFile> {
    const handle = await open(path, 'wx', PRIVATE).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EEXIST' ? new Error(`${path} exists: continue it with --resume, or remove it`) : error;
    });
    return new ExportFile(handle, { isComplete: false, endOffset: 0 });
  }

  /** Rejects if it is not the beginning of an export. What follows its last whole line is removed. */
  static async resume(path: string): Promise<ExportFile> {
    const progress = await progressOf(path);
    const handle = await open(path, 'r+');
    await handle.truncate(progress.endOffset);
    return new ExportFile(handle, progress);
  }

  async append(text: string): Promise<void> {
    for (let rest = Buffer.from(text); rest.length > 0; ) {
      const { bytesWritten } = await this.#handle.write(rest, 0, rest.length, this.#offset);
      this.#offset += bytesWritten;
      rest = rest.subarray(bytesWritten);
    }
  }

  async close(): Promise<void> {
    await this.#handle.sync();
    await this.#handle.close();
  }
}

async function progressOf(path: string): Promise<Progress> {
  let header: Header | undefined;
  let [last, lines, endOffset] = ['', 0, 0];
  for await (const line of linesOf(createReadStream(path))) {
    if (!line.isWhole) break;
    header ??= parsed(line.number, line.text, parseHeader);
    [last, lines, endOffset] = [line.text, line.number, line.endOffset];
  }
  if (!header) return { isComplete: false, endOffset };
  const { position } = header;
  if (lines === 1) return { isComplete: false, resumePoint: { lines, position, last: undefined }, endOffset };
  const lastLine = parsed(lines, last, parseLine);
  if (lastLine.kind === 'end') return { isComplete: true, endOffset };
  return { isComplete: false, resumePoint: { lines, position, last: lastLine }, endOffset };
}

function parsed<T>(number: number, text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    throw new LineError(number, (error as Error).message);
  }
}
