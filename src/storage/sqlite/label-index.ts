// Which labels are indexed, in a table of one row. No other process writes to the file, so what was read last is what counts.
import type { Labels } from '../../domain/labels.js';
import {
  chosen,
  completed,
  groupsIn,
  isComplete,
  isPending,
  type LabelIndexState,
  parseLabelIndex,
} from '../label-index.js';
import { type Group, type LabelIndex, LabelsNotIndexedError } from '../ports.js';
import type { SqliteDatabase } from './sqlite-database.js';

export class SqliteLabelIndex implements LabelIndex {
  readonly #database: SqliteDatabase;
  #text: string;
  #state: LabelIndexState;

  constructor(database: SqliteDatabase) {
    this.#database = database;
    [this.#text] = database.statements.labelIndex.get() as [string];
    this.#state = parseLabelIndex(this.#text);
  }

  choose(names: readonly string[]): Promise<string | null> {
    return this.#database.attempt('choose indexed labels', () => {
      const next = chosen(this.#state, names);
      if (next !== undefined) this.#store(next);
      return isPending(this.#state) ? this.#text : null;
    });
  }

  complete(choice: string): Promise<boolean> {
    return this.#database.attempt('choose indexed labels', () => {
      if (choice !== this.#text) return false;
      this.#store(completed(this.#state));
      return true;
    });
  }

  /** The column of a participant. Rows are replaced as a whole, so it does not matter which labels it had. */
  columnOf(labels: Labels | undefined): string | null {
    const groups = groupsIn(this.#state, labels, 'complete', 'building');
    return groups.length === 0 ? null : JSON.stringify(groups.map(({ name }) => name));
  }

  /** Throws LabelsNotIndexedError. */
  expectComplete({ kind, name }: Group): void {
    if (kind === 'label' && !isComplete(this.#state, { kind, name })) throw new LabelsNotIndexedError();
  }

  #store(text: string): void {
    this.#database.inTransaction(() => this.#database.statements.setLabelIndex.run(text));
    this.#text = text;
    this.#state = parseLabelIndex(text);
  }
}
