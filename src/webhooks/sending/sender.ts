// Sends one request to an endpoint. The name of its host is resolved when a connection is made, and the connection goes to exactly
// the address that was checked: between a check and a second look-up, whoever controls the name could change the address.
import type { LookupFunction } from 'node:net';
import { Agent, buildConnector, request } from 'undici';
import { type AddressGuard, hostOf, portOf } from './address-guard.js';
import type { Resolve } from './resolver.js';

const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 16 * 1_024;
/** Of an answer, for operators. */
const KEPT_BYTES = 1_024;
const IDLE_MS = 60_000;

export interface OutgoingRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Aborts it. */
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** The first KiB, as text. */
  readonly body: string;
  /** Of the Retry-After header. */
  readonly retryAfterMs?: number;
}

/** `error`: why there is no answer; without secrets. */
export type SendResult = Answer | { readonly error: string };

/** The URL is not one that may be requested. */
class RefusedAddressError extends Error {
  override readonly name = 'RefusedAddressError';
}

export class Sender {
  readonly #agent: Agent;

  constructor(
    private readonly guard: AddressGuard,
    private readonly resolve: Resolve,
    private readonly timeoutMs = TIMEOUT_MS,
  ) {
    this.#agent = new Agent({
      connect: this.#connector(),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      maxHeaderSize: MAX_ANSWER_BYTES,
    });
  }

  /** What is wrong with a URL at the moment, phrased to follow its name; undefined: it can be requested. */
  async urlFault(text: string): Promise<string | undefined> {
    const fault = this.guard.urlFault(text);
    if (fault !== undefined) return fault;
    const url = new URL(text);
    try {
      await this.#addressesOf(hostOf(url), portOf(url));
      return undefined;
    } catch (error) {
      return error instanceof RefusedAddressError ? error.message : 'must have a host name that can be resolved';
    }
  }

  /** Does not reject. Redirects are not followed. */
  async send({ url, headers, body, signal }: OutgoingRequest): Promise<SendResult> {
    // The settings may have changed since the endpoint was made, and an address in the URL is not looked up.
    const fault = this.guard.urlFault(url);
    if (fault !== undefined) return { error: `the URL ${fault}` };
    const limit = new AbortController();
    const abort = () => limit.abort();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      abort();
    }, this.timeoutMs);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    try {
      return await this.#exchange(url, headers, body, limit.signal);
    } catch (error) {
      if (isLate) return { error: `no answer within ${this.timeoutMs / 1_000} s` };
      return { error: signal.aborted ? 'interrupted' : reasonOf(error) };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #exchange(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<Answer> {
    const response = await request(url, { method: 'POST', headers, body, signal, dispatcher: this.#agent });
    const text = await firstBytes(response.body);
    const retryAfterMs = retryAfterOf(response.headers['retry-after']);
    return { status: response.statusCode, body: text, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }

  /** One for each port, because a look-up does not say which port it is for. */
  #connector(): buildConnector.connector {
    const connectors = new Map<number, buildConnector.connector>();
    return (options, callback) => {
      const port = Number(options.port) || (options.protocol === 'https:' ? 443 : 80);
      let connect = connectors.get(port);
      if (!connect) {
        connect = buildConnector({ lookup: this.#lookup(port), timeout: this.timeoutMs });
        connectors.set(port, connect);
      }
      connect(options, callback);
    };
  }

  #lookup(port: number): LookupFunction {
    return (hostname, { all }, callback) => {
      this.#addressesOf(hostname, port).then(
        (found) => {
          const addresses = found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
          const [first] = addresses;
          if (all) callback(null, addresses);
          else callback(null, first?.address ?? '', first?.family);
        },
        (error: NodeJS.ErrnoException) => callback(error, '', 0),
      );
    };
  }

  /** All must be allowed: the system chooses one of them. */
  async #addressesOf(hostname: string, port: number): Promise<readonly string[]> {
    const addresses = await this.resolve(hostname);
    if (addresses.length === 0) throw new Error('the name of the host has no address');
    for (const address of addresses) {
      const fault = this.guard.addressFault(address, port);
      if (fault !== undefined) throw new RefusedAddressError(fault);
    }
    return addresses;
  }
}

/** Reads up to MAX_ANSWER_BYTES, and leaves the rest. */
async function firstBytes(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop closes the connection.
  for await (const chunk of body) {
    if (bytes < KEPT_BYTES) chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, KEPT_BYTES).toString();
}

function reasonOf(error: unknown): string {
  if (error instanceof RefusedAddressError) return `the URL ${error.message}`;
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3: seconds, or a date. */
function retryAfterOf(value: string | string[] | undefined): number | undefined {
  if (typeof value !== 'string') return undefined;
  const delayMs = /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isNaN(delayMs) ? undefined : Math.max(delayMs, 0);
}
