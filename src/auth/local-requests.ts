// Without keys everybody who reaches the port may do everything, so the service then listens on loopback only. There are
// two ways in from elsewhere. A web page whose name resolves to 127.0.0.1 (DNS rebinding) has its browser ask for it: the
// Host header then has that name. A proxy on this machine passes on what strangers send: most proxies add a header.
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { ProblemError } from '../http/problem.js';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

/** An address in brackets, or a name or an IPv4 address; perhaps with a port. */
const HOST = /^(?:\[([\da-f:.]{2,45})\]|([^:[\]]{1,253}))(?::\d{0,5})?$/i;
/** Browsers and resolvers keep these names to the machine (RFC 6761, 6.3). */
const LOCAL_NAME = /^(?:[\w-]+\.)*localhost\.?$/i;

const PROXY_HEADERS = [
  'forwarded',
  'via',
  'x-real-ip',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-server',
  'cf-connecting-ip',
  'true-client-ip',
];

export type ForeignReason = 'foreign-host' | 'forwarded-request';

/** Why a request may not have been made on this machine; undefined when nothing says so. */
export function foreignReason(headers: IncomingHttpHeaders): ForeignReason | undefined {
  if (!isLocalHost(headers.host ?? '')) return 'foreign-host';
  return PROXY_HEADERS.some((name) => headers[name] !== undefined) ? 'forwarded-request' : undefined;
}

/** `setting`: the one that is not set. */
export function foreignProblem(setting: 'API_KEYS' | 'CALLBACK_SECRETS', reason: ForeignReason): ProblemError {
  const refused = {
    'foreign-host': 'requests must have localhost or a loopback address as their Host',
    'forwarded-request': 'requests that passed a proxy are refused',
  }[reason];
  const detail = `As long as ${setting} is not set, ${refused}. Set ${setting} to allow others.`;
  return new ProblemError('local-only', { detail }, { reason });
}

function isLocalHost(host: string): boolean {
  const [, ipv6, name = ''] = HOST.exec(host) ?? [];
  if (ipv6 !== undefined) return isIP(ipv6) === 6 && LOOPBACK.check(ipv6, 'ipv6');
  return isIP(name) === 4 ? LOOPBACK.check(name) : LOCAL_NAME.test(name);
}
