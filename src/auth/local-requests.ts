// Without keys everyone who can reach the port has full access, so the service then listens on loopback only. Requests from
// elsewhere can still arrive in two ways. With DNS rebinding, a web page whose name resolves to 127.0.0.1 makes the browser
// send them; the Host header then has that name. A proxy on this machine can forward them; most proxies add a header.
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { ProblemError } from '../http/problem.js';

/** For IPv6, including IPv4 addresses mapped into it. */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

/** An IPv6 address in brackets, or a name or IPv4 address, with or without a port. */
const HOST = /^(?:\[([\da-f:.]{2,45})\]|([^:[\]]{1,253}))(?::\d{0,5})?$/i;
/** Browsers and resolvers resolve these names to loopback (RFC 6761, 6.3). */
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

export type NonLocalReason = 'foreign-host' | 'forwarded-request';

/** Why a request may come from another machine; undefined: nothing indicates it. */
export function nonLocalReason(headers: IncomingHttpHeaders): NonLocalReason | undefined {
  if (!isLocalHost(headers.host ?? '')) return 'foreign-host';
  return PROXY_HEADERS.some((name) => headers[name] !== undefined) ? 'forwarded-request' : undefined;
}

/** `setting`: the setting whose absence makes the service local-only. */
export function localOnlyProblem(setting: 'API_KEYS' | 'CALLBACK_SECRETS', reason: NonLocalReason): ProblemError {
  const refused = {
    'foreign-host': 'the Host header must be localhost or a loopback address',
    'forwarded-request': 'requests forwarded by a proxy are refused',
  }[reason];
  const detail = `As long as ${setting} is not set, ${refused}. Set ${setting} to allow other requests.`;
  return new ProblemError('local-only', { detail }, { reason });
}

function isLocalHost(host: string): boolean {
  const [, ipv6, name = ''] = HOST.exec(host) ?? [];
  if (ipv6 !== undefined) return isIP(ipv6) === 6 && LOOPBACK.check(ipv6, 'ipv6');
  return isIP(name) === 4 ? name.startsWith('127.') : LOCAL_NAME.test(name);
}
