import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The path of the first of these programs that is installed. Otherwise throws an error that says how to install one. */
export function findProgram(names: readonly string[], debianPackage: string): string {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
  if (found) return found;
  throw new Error(`none of ${names.join(', ')} is on the PATH; on Debian: apt-get install ${debianPackage}`);
}
