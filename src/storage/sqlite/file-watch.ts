// Notices when the files of an open database are removed, replaced or made read-only. The process could go on writing to them, since
// they exist for as long as they are open, but nobody would find the data afterwards.
import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { basename } from 'node:path';
import { isReadOnly } from '../sqlite-file.js';

type FileFaultCode = 'FILE_REMOVED' | 'FILE_REPLACED' | 'FILE_READONLY';

class FileFault extends Error {
  override readonly name = 'FileFault';

  constructor(
    readonly code: FileFaultCode,
    file: string,
    found: string,
  ) {
    super(`${basename(file)} ${found}`);
  }
}

export class FileWatch {
  readonly #opened: readonly { readonly file: string; readonly stats: Stats }[];

  /** `files`: open, and in their place. */
  constructor(files: readonly string[]) {
    this.#opened = files.map((file) => ({ file, stats: statSync(file) }));
  }

  /** Takes a few microseconds. undefined: the open files are in their place. */
  fault(): FileFault | undefined {
    for (const { file, stats } of this.#opened) {
      const found = faultOf(file, stats);
      if (found) return found;
    }
    return undefined;
  }
}

function faultOf(file: string, opened: Stats): FileFault | undefined {
  try {
    const current = statSync(file);
    if (current.ino !== opened.ino || current.dev !== opened.dev) {
      return new FileFault('FILE_REPLACED', file, 'is not the file that was opened');
    }
    if (isReadOnly(current)) return new FileFault('FILE_READONLY', file, 'is read-only');
    accessSync(file, constants.W_OK);
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return new FileFault('FILE_REMOVED', file, 'does not exist');
    return new FileFault('FILE_READONLY', file, `cannot be written to: ${message}`);
  }
}
