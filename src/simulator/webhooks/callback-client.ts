// The provider as an HTTP client: one webhook to one callback URL, as often as it takes or is allowed.
// A URL may have Basic credentials; like Bandwidth, it shows them only when it is asked to by a 401 with a
// challenge (RFC 7235), and a receiver that asks without a challenge gets nothing more.
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, request } from 'undici';

/** What Bandwidth does when a webhook fails is not documented, so each of it can be set. */
export interface RetryPolicy {
  readonly attempts: number;
  /** Before the second attempt, and twice as long before each further one. */
  readonly backoffMs: number;
  readonly timeoutMs: number;
}

export interface Answer {
  /** HTTP status, or the code of what kept it from coming: 'ECONNREFUSED', 'UND_ERR_HEADERS_TIMEOUT'. */
  readonly status: number | string;
  readonly attempts: number;
  /** Of the last attempt. */
  readonly elapsedMs: number;
}

export function isTaken({ status }: Answer): boolean {
  return typeof status === 'number' && status >= 200 && status < 300;
}

export class CallbackClient {
  readonly #agent: Agent;

  constructor(
    private readonly policy: RetryPolicy,
    connections: number,
  ) {
    const { timeoutMs } = policy;
    this.#agent = new Agent({
      connections,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connect: { timeout: timeoutMs },
    });
  }

  /** Never rejects. `callbackUrl`: of http or https, with credentials or without. */
  async send(callbackUrl: string, body: string): Promise<Answer> {
    const { attempts, backoffMs } = this.policy;
    for (let attempt = 1; ; attempt += 1) {
      const startMs = performance.now();
      const status = await this.#attempt(callbackUrl, body);
      const answer = { status, attempts: attempt, elapsedMs: performance.now() - startMs };
      if (isTaken(answer) || attempt >= attempts) return answer;
      await wait(backoffMs * 2 ** (attempt - 1));
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #attempt(callbackUrl: string, body: string): Promise<number | string> {
    try {
      const url = new URL(callbackUrl);
      const credentials = takeCredentials(url);
      const first = await this.#post(url, body, {});
      const isAsked = first.status === 401 && /^basic\b/i.test(first.challenge);
      if (!isAsked || credentials === undefined) return first.status;
      return (await this.#post(url, body, { authorization: `Basic ${credentials}` })).status;
    } catch (error) {
      return (error as { code?: string }).code ?? (error as Error).name;
    }
  }

  async #post(url: URL, body: string, headers: Record<string, string>) {
    const {
      statusCode,
      headers: answered,
      body: answer,
    } = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      dispatcher: this.#agent,
    });
    // What it says is of no interest, but the connection is to be used again.
    await answer.dump();
    return { status: statusCode, challenge: String(answered['www-authenticate'] ?? '') };
  }
}

function takeCredentials(url: URL): string | undefined {
  const { username, password } = url;
  if (username === '' && password === '') return undefined;
  url.username = '';
  url.password = '';
  return Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
}
