// Requests to the API of a provider: with a timeout and a size limit, and without redirects, which would carry credentials
// elsewhere. Errors contain neither the URL nor the body, which may have secrets.

export type ApiFault = 'unreachable' | 'rate-limited' | 'unauthorized' | 'refused' | 'failed' | 'not-understood';

export class ProviderApiError extends Error {
  override readonly name = 'ProviderApiError';
  /** How long the provider wants us to wait; undefined: it does not say. */
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly fault: ApiFault,
    message: string,
    { retryAfterMs, ...options }: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

export interface ApiRequest {
  readonly method?: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Statuses that the caller understands, besides 200. */
  readonly accepted?: readonly number[];
  readonly signal: AbortSignal;
}

export interface ApiResponse {
  readonly status: number;
  readonly json: unknown;
}

const TIMEOUT_MS = 10_000;
/** A page of 1,000 endpoints with the longest tags has about 2 MB; rooms with much metadata are larger. */
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_RETRY_AFTER_MS = 3_600_000;

/** Rejects with ProviderApiError for any other status, and if the body is not JSON. */
export async function requestJson(url: string, { accepted = [], signal, ...init }: ApiRequest): Promise<ApiResponse> {
  const { status, headers, text } = await withTimeout(signal, (limited) =>
    exchange(url, { ...init, redirect: 'manual', signal: limited }),
  );
  if (status !== 200 && !accepted.includes(status)) throw refusalOf(status, headers);
  try {
    return { status, json: JSON.parse(text) };
  } catch {
    throw new ProviderApiError('not-understood', `a response with status ${status} is not JSON`);
  }
}

/** Leaves no listener on the signal, which may live as long as the process. */
async function withTimeout<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController();
  const abort = () => limit.abort(signal.reason);
  const timer = setTimeout(() => limit.abort(new DOMException('timed out', 'TimeoutError')), TIMEOUT_MS);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  try {
    return await work(limit.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

async function exchange(url: string, init: RequestInit) {
  try {
    const response = await fetch(url, init);
    return { status: response.status, headers: response.headers, text: await textOf(response) };
  } catch (error) {
    if (error instanceof ProviderApiError) throw error;
    throw new ProviderApiError('unreachable', reasonOf(error), { cause: error });
  }
}

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the body.
    if (bytes > MAX_BYTES) throw new ProviderApiError('not-understood', `a response is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error;
  if (name === 'TimeoutError') return `no response within ${TIMEOUT_MS / 1_000} s`;
  const { code } = Object(cause) as { code?: unknown };
  return typeof code === 'string' ? code : message;
}

function refusalOf(status: number, headers: Headers): ProviderApiError {
  const message = `answered with status ${status}`;
  const retryAfterMs = retryAfterOf(headers.get('retry-after'));
  if (status === 429) return new ProviderApiError('rate-limited', message, { retryAfterMs });
  if (status === 401 || status === 403) return new ProviderApiError('unauthorized', message);
  return new ProviderApiError(status >= 500 ? 'failed' : 'refused', message, { retryAfterMs });
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3: seconds, or a date. */
function retryAfterOf(value: string | null): number | undefined {
  if (value === null) return undefined;
  const delayMs = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, 0), MAX_RETRY_AFTER_MS);
}

export function notUnderstood(what: string): ProviderApiError {
  return new ProviderApiError('not-understood', `${what} is not understood`);
}
