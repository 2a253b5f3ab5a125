import { StartError } from './start-error.js';

interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Explains what is wrong with HOST or PORT when the server cannot listen; returns any other error unchanged.
 * `prefix`: that of the names of the two settings.
 */
export function listenError(error: unknown, { host, port }: Address, prefix = ''): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  const explain = EXPLANATIONS[code];
  return explain
    ? new StartError(`${explain(host, port).replaceAll(/\b(?:HOST|PORT)\b/g, `${prefix}$&`)} (${code})`, {
        cause: error,
      })
    : error;
}

const notAnAddress = (host: string) =>
  `HOST ${host} is not an address of this machine: set HOST to one that is, or to 0.0.0.0 for all of them`;
const notResolvable = (host: string) => `HOST ${host} cannot be resolved: set HOST to an address of this machine`;

const EXPLANATIONS: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (host, port) =>
    `PORT ${port} is in use on ${host}: stop the process that listens there, or set PORT to another one`,
  EACCES: (_, port) => `PORT ${port} needs a privilege that this process lacks: set PORT to one above 1023`,
  EADDRNOTAVAIL: notAnAddress,
  EAFNOSUPPORT: notAnAddress,
  EINVAL: notAnAddress,
  ENOTFOUND: notResolvable,
  EAI_AGAIN: notResolvable,
};
