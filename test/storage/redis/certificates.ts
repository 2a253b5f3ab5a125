// A certificate authority of its own, with a certificate for a server and one for a client, in a folder.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../find-program.js';
import { closeOnce } from '../../leftovers.js';

/** Of Redis. */
export const SERVER_NAME = 'redis.test';

export interface Certificates {
  /** The path of `ca.crt`, `server.crt`, `server.key`, `client.crt` or `client.key`. */
  readonly path: (name: string) => string;
}

/** `serverName`: the only name that the certificate of the server has. */
export function makeCertificates(serverName = SERVER_NAME): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-tls-'));
  closeOnce(() => rmSync(folder, { recursive: true }));
  const path = (name: string) => join(folder, name);
  const openssl = findProgram(['openssl'], 'openssl');
  const run = (...args: string[]) => execFileSync(openssl, args, { cwd: folder, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  run('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=test CA');
  writeFileSync(path('names'), `subjectAltName=DNS:${serverName}`);
  for (const name of ['server', 'client']) {
    run('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const signed = ['-in', `${name}.csr`, '-out', `${name}.crt`, '-days', '2', '-extfile', 'names'];
    run('x509', '-req', ...signed, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial');
  }
  return { path };
}
