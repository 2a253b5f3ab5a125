// The keys with which Amazon SNS signs: those that are configured, or those that are fetched from the URL in a message.
import type { KeyObject } from 'node:crypto';
import { MinuteCounter } from '../../auth/minute-counter.js';
import { publicKeysIn } from '../authentication/rsa-signature.js';
import { getFromSns } from './sns-request.js';

export interface SnsCertificates {
  /** `url`: must be one of SNS. Rejects if it cannot be fetched now. */
  keysOf(url: string, nowMs: number): Promise<readonly KeyObject[]>;
}

export class ConfiguredCertificates implements SnsCertificates {
  constructor(private readonly keys: readonly KeyObject[]) {}

  async keysOf(): Promise<readonly KeyObject[]> {
    return this.keys;
  }
}

/** SNS has one for each region, and replaces it now and then: by one with another URL. */
const MAX_CERTIFICATES = 16;

/** Anybody who knows the ARN of a topic can cause one with each message. */
const FETCHES_PER_MINUTE = 10;

export class FetchedCertificates implements SnsCertificates {
  readonly #fetched = new Map<string, readonly KeyObject[]>();
  readonly #fetches = new Map<string, Promise<readonly KeyObject[]>>();
  readonly #counter = new MinuteCounter();

  async keysOf(url: string, nowMs: number): Promise<readonly KeyObject[]> {
    return this.#fetched.get(url) ?? this.#fetches.get(url) ?? this.#fetch(url, nowMs);
  }

  async #fetch(url: string, nowMs: number): Promise<readonly KeyObject[]> {
    if (this.#counter.add('', nowMs).count > FETCHES_PER_MINUTE) throw new Error('too many certificates to fetch');
    const fetch = certificateAt(url).finally(() => this.#fetches.delete(url));
    this.#fetches.set(url, fetch);
    const keys = await fetch;
    this.#fetched.set(url, keys);
    const [oldest] = this.#fetched.keys();
    if (this.#fetched.size > MAX_CERTIFICATES && oldest !== undefined) this.#fetched.delete(oldest);
    return keys;
  }
}

async function certificateAt(url: string): Promise<readonly KeyObject[]> {
  const keys = publicKeysIn(await getFromSns(url));
  if (!keys) throw new Error('the response from SNS is not a certificate');
  return keys;
}
