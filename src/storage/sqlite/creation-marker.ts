// Remembers that presence has been stored in a database: by an empty database alone, a first start cannot be told from a loss of all
// data. The marker is a file next to the database, in plain words for whoever finds it.
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { StartError } from '../../runtime/start-error.js';

export class CreationMarker {
  readonly #file: string;
  readonly #marker: string;

  /** `file`: the database. */
  constructor(file: string) {
    this.#file = file;
    this.#marker = `${file}-created`;
  }

  get exists(): boolean {
    return existsSync(this.#marker);
  }

  /** Once the database exists. Throws StartError. */
  create(): void {
    if (this.exists) return;
    const name = basename(this.#file);
    const text = `Rollcall has stored presence in ${name}. While this file exists, Rollcall does not start with an empty one.\n`;
    try {
      writeFileSync(this.#marker, text);
      // Like the database, regardless of the umask: whoever takes over the one takes over the other.
      chmodSync(this.#marker, statSync(this.#file).mode);
    } catch (error) {
      throw new StartError(`DATA_DIR: ${this.#marker} cannot be written: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}
