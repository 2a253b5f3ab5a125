// A PostgreSQL of the benchmark's own, with the settings of Debian's package. It refuses to run as root, so then it runs as the user that
// the package creates.
import { execFileSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findProgram } from '../scripts/program.mjs';
import { makeFolder, startProcess } from './processes.mjs';

export async function startPostgres() {
  const folder = makeFolder();
  const owner = unprivilegedUser();
  if (owner) chownSync(folder, owner.uid, owner.gid);
  const program = findProgram('postgresql');
  const options = ['--pgdata', folder, '--username', 'rollcall', '--auth', 'trust', '--no-instructions'];
  execFileSync(join(dirname(program), 'initdb'), options, { ...owner, stdio: ['ignore', 'ignore', 'inherit'] });
  const postgres = await startProcess(program, (port) => ['-D', folder, '-h', '127.0.0.1', '-p', port, '-k', folder], {
    owner,
  });
  return { ...postgres, url: `postgres://rollcall@127.0.0.1:${postgres.port}/postgres` };
}

/** undefined: this process may run it itself. */
function unprivilegedUser() {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (option) => Number(execFileSync('id', [option, 'postgres']).toString());
  return { uid: idOf('-u'), gid: idOf('-g') };
}
