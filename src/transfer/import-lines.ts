// Imports the lines of an export in batches. A fault stops it, with all lines before it imported.
import {
  type BindingLine,
  type EndLine,
  type ExportLine,
  type ParticipantLine,
  parseHeader,
  parseLine,
  type SettingLine,
} from './export-format.js';
import type { Importer } from './importer.js';
import { type Line, LineError } from './lines.js';

/** A commit of this many blocks the store for a few milliseconds. */
const BATCH_SIZE = 500;

type Numbered<T> = T & { readonly number: number };

/** `onLine`: called for each line that is read. Rejects with LineError, or StoreUnavailableError. */
export async function importLines(
  lines: AsyncIterable<Line>,
  importer: Importer,
  onLine: (line: Line) => void,
): Promise<void> {
  const batch = new Batch(importer);
  // Any other error is one of the store, which was waited for long enough.
  const fault = await addLines(lines, batch, onLine).catch((error: unknown) => {
    if (error instanceof LineError) return error;
    throw error;
  });
  await batch.flush();
  await importer.repeatEnds();
  if (fault) throw fault;
}

async function addLines(lines: AsyncIterable<Line>, batch: Batch, onLine: (line: Line) => void): Promise<void> {
  let last = 0;
  let isComplete = false;
  for await (const line of lines) {
    if (isComplete) throw new LineError(line.number, 'something follows the end of the export');
    onLine(line);
    const parsed = parse(line);
    if (parsed?.kind === 'end') {
      if (parsed.lines !== last) throw new LineError(line.number, `${parsed.lines} lines should be before this one`);
      isComplete = true;
    } else if (parsed) {
      await batch.add({ ...parsed, number: line.number });
    }
    last = line.number;
  }
  if (!isComplete) throw new LineError(last + 1, 'the export ends here, but is not complete');
}

/** undefined: the header. */
function parse({ number, text, isWhole }: Line): ExportLine | undefined {
  try {
    if (number > 1) return parseLine(text);
    parseHeader(text);
    return undefined;
  } catch (error) {
    throw new LineError(number, isWhole ? (error as Error).message : 'the export ends in the middle of this line');
  }
}

/** Participants, bindings and ends, each at most once. */
class Batch {
  readonly #importer: Importer;
  readonly #participants = new Map<string, Numbered<ParticipantLine>>();
  readonly #bindings = new Map<string, BindingLine>();
  readonly #ends = new Map<string, EndLine>();

  constructor(importer: Importer) {
    this.#importer = importer;
  }

  async add(line: Numbered<ParticipantLine | BindingLine | EndLine | SettingLine>): Promise<void> {
    switch (line.kind) {
      case 'participant':
        return this.#put(this.#participants, line.key, line);
      case 'binding':
        return this.#put(this.#bindings, line.ref, line);
      case 'kept-end':
        return this.#put(this.#ends, `${line.target} ${line.text}`, line);
      case 'setting':
        // What came before is then in the feed already.
        await this.flush();
        return this.#importer.addSetting(line);
    }
  }

  async flush(): Promise<void> {
    const [participants, bindings] = [[...this.#participants.values()], [...this.#bindings.values()]];
    const ends = [...this.#ends.values()];
    for (const lines of [this.#participants, this.#bindings, this.#ends]) lines.clear();
    if (participants.length > 0) await this.#importer.addParticipants(participants);
    if (bindings.length > 0) await this.#importer.addBindings(bindings);
    if (ends.length > 0) await this.#importer.addEnds(ends);
  }

  async #put<T>(lines: Map<string, T>, id: string, line: T): Promise<void> {
    if (lines.size === BATCH_SIZE || lines.has(id)) await this.flush();
    lines.set(id, line);
  }
}
