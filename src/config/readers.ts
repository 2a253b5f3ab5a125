// Read the texts of settings. Each throws an error that says what is wrong, phrased to follow the name of the setting.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { labelNameFault, MAX_LABELS } from '../domain/labels.js';
import type { SourceName } from '../domain/subject.js';
import { LOG_LEVELS } from '../observability/logging.js';
import { plainUrl } from '../runtime/plain-url.js';
import { ALLOWABLE, type Allowance } from '../storage/redis/client/redis-fault.js';
import { DURABILITIES, type Durability } from '../storage/redis/durability.js';

export function integer(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new Error(`must be a whole number from ${min} to ${max}`);
  };
}

/** A poll may take seconds, and the limits of providers are low. */
export function reconcileInterval(text: string): number {
  if (text === '0') return 0;
  return integer(1_000, 3_600_000)(text);
}

/** undefined: not set. */
export function optional<T>(read: (text: string) => T): (text: string) => T | undefined {
  return (text) => (text === '' ? undefined : read(text));
}

export function oneOrMany(text: string): 'one' | 'many' {
  if (text === 'one' || text === 'many') return text;
  throw new Error('must be one or many');
}

export function listenHost(text: string): string {
  const isName = /^(?!-)[\w.-]{1,253}$/.test(text) && !/^[\d.]+$/.test(text);
  if (isIP(text) !== 0 || isName) return text;
  throw new Error('must be an address or a host name, like 127.0.0.1, ::1 or localhost, without a port');
}

export function onOrOff(text: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw new Error('must be on or off');
}

export function list(text: string): string[] {
  return text === '' ? [] : text.split(',').map((entry) => entry.trim());
}

export function indexedLabels(text: string): string[] {
  const names = [...new Set(list(text))];
  if (names.length <= MAX_LABELS && names.every((name) => labelNameFault(name) === undefined)) return names;
  throw new Error(
    `must be a comma-separated list of at most ${MAX_LABELS} names of lower-case letters, digits, - and _`,
  );
}

export function metricsTags(text: string): string[] {
  const tags = list(text);
  if (tags.includes('') || tags.length > 100) throw new Error('must be a comma-separated list of at most 100 tags');
  return [...new Set(tags)];
}

export function durability(text: string): Durability {
  const level = DURABILITIES.find((name) => name === text);
  if (level) return level;
  throw new Error(`must be one of ${DURABILITIES.join(', ')}`);
}

export function line(text: string): string {
  if (/^[^\p{Cc}]{1,1024}$/u.test(text)) return text;
  throw new Error('must be one line of at most 1024 characters');
}

export function certificate(text: string): string {
  try {
    new X509Certificate(text);
    return text;
  } catch {
    throw new Error('must be a certificate in PEM format');
  }
}

export function privateKey(text: string): string {
  try {
    createPrivateKey(text);
    return text;
  } catch {
    throw new Error('must be a private key in PEM format, without a passphrase');
  }
}

export function serverName(text: string): string {
  if (/^[\w.-]{1,253}$/.test(text)) return text;
  throw new Error('must be the name of a host');
}

export function unsafeRedis(text: string): ReadonlySet<Allowance> {
  const names = list(text);
  const allowed = ALLOWABLE.filter((name) => names.includes(name));
  if (allowed.length === names.length) return new Set(allowed);
  throw new Error(`must be a comma-separated list of ${ALLOWABLE.join(' and ')}`);
}

export interface SourceSetting {
  readonly name: SourceName;
  /** The provider's format. */
  readonly dialect: string;
}

export function sources(text: string): [SourceSetting, ...SourceSetting[]] {
  const [first, ...others] = list(text).map((entry): SourceSetting => {
    const [, name, dialect = name] = /^([a-z][a-z\d-]{0,31})(?:=([a-z][a-z\d-]{0,31}))?$/.exec(entry) ?? [];
    if (name === undefined || dialect === undefined) {
      throw new Error('must be a comma-separated list of name or name=dialect, in lower-case letters, digits and -');
    }
    return { name: name as SourceName, dialect };
  });
  if (!first) throw new Error('must name at least one source');
  const names = [first, ...others].map(({ name }) => name);
  if (new Set(names).size < names.length) throw new Error('must not contain a name twice');
  return [first, ...others];
}

export function callbackSecrets(text: string): string[] {
  const secrets = list(text);
  if (new Set(secrets).size < secrets.length) throw new Error('must not contain a secret twice');
  if (secrets.every((secret) => /^[\w-]{32,256}$/.test(secret))) return secrets;
  throw new Error('must be a comma-separated list of secrets, each of 32 to 256 letters, digits, - or _');
}

export function baseUrl(text: string): string | undefined {
  if (text === '') return undefined;
  const url = plainUrl(text);
  if (url !== undefined) return url;
  throw new Error('must be a URL like https://rollcall.example.com, without credentials or a query');
}

/** The text may have a password, so it is not repeated. */
export function databaseUrl(text: string): string | undefined {
  if (text === '') return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^postgres(?:ql)?:$/.test(url.protocol) && url.host !== '' && url.pathname.length > 1) return text;
  throw new Error('must be a URL like postgres://user:password@db.example.com:5432/rollcall');
}

export function addressRange(text: string): string {
  const [, address = '', bits] = /^([\da-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  const maxBits = version === 4 ? 32 : 128;
  // A prefix of 0 bits would trust every client.
  if (version !== 0 && (bits === undefined || (Number(bits) >= 1 && Number(bits) <= maxBits))) return text;
  throw new Error('must be a comma-separated list of addresses or CIDR ranges like 10.0.0.0/8');
}

export function jsonList(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value;
  } catch {
    // The message would quote the text.
  }
  throw new Error('must be a JSON array');
}

export function origin(text: string): string {
  if (URL.canParse(text) && new URL(text).origin === text) return text;
  throw new Error('must be a comma-separated list of origins like https://app.example.com');
}

export function keyPrefix(text: string): string {
  if (/^[\w.:-]{1,64}$/.test(text)) return text;
  throw new Error('must be 1 to 64 letters, digits or any of _ . : -');
}

export function logLevel(text: string): (typeof LOG_LEVELS)[number] {
  const level = LOG_LEVELS.find((one) => one === text);
  if (level) return level;
  throw new Error(`must be one of ${LOG_LEVELS.join(', ')}`);
}
