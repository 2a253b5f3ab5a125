// Requests to the API of the service that served this page. The key is sent as a header, never in a URL.
import { apiKey } from './api-key.js';

const TIMEOUT_MS = 20_000;

interface ProblemDocument {
  readonly type?: string;
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
  readonly [member: string]: unknown;
}

/** An answer that is not a success. `status` 0: there was no answer. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: number,
    message: string,
    readonly problem: ProblemDocument = {},
    /** How long the service asks to wait. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Rejects with ApiError, or with an AbortError if `signal` is aborted. */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const { signal, timeoutMs = TIMEOUT_MS } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const response = await send(path, { ...options, signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
  if (!response.ok) throw await errorOf(response);
  if (response.status === 204) return undefined as T;
  return (await response.json().catch(() => {
    if (signal?.aborted) throw signal.reason;
    throw new ApiError(0, 'The answer of the service was cut off.');
  })) as T;
}

/** Resolves with the response, whatever its status. */
export async function send(path: string, { method = 'GET', body, signal, headers }: RequestOptions): Promise<Response> {
  try {
    return await fetch(path, {
      method,
      headers: {
        accept: 'application/json',
        ...(apiKey.value !== '' && { authorization: `Bearer ${apiKey.value}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
      cache: 'no-store',
      credentials: 'omit',
    });
  } catch (error) {
    if (signal?.aborted && !isTimeout(signal.reason)) throw error;
    throw new ApiError(0, 'The service cannot be reached.');
  }
}

export async function errorOf(response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => ({}))) as ProblemDocument;
  const seconds = Number(response.headers.get('retry-after'));
  const message = problem.detail ?? problem.title ?? `The service answered with status ${response.status}.`;
  return new ApiError(response.status, message, problem, seconds > 0 ? seconds * 1_000 : undefined);
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError';
}
