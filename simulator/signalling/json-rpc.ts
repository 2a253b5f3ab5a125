// The parts of JSON-RPC 2.0 that signalling needs: https://www.jsonrpc.org/specification.

export interface Call {
  readonly method: string;
  /** undefined: a notification, which is not answered. */
  readonly id?: string | number;
}

const ERRORS = {
  parse: { code: -32_700, message: 'Parse error' },
  request: { code: -32_600, message: 'Invalid Request' },
  method: { code: -32_601, message: 'Method not found' },
} as const;

type ErrorName = keyof typeof ERRORS;

/** Returns the call, or the name of the error. */
export function parseCall(text: string): Call | Extract<ErrorName, 'parse' | 'request'> {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return 'parse';
  }
  const { jsonrpc, method, id } = Object(message) as Record<string, unknown>;
  if (jsonrpc !== '2.0' || typeof method !== 'string') return 'request';
  return typeof id === 'string' || typeof id === 'number' ? { method, id } : { method };
}

export function resultReply(id: string | number, result: object): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}

export function errorReply(id: string | number | null, error: ErrorName): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: ERRORS[error] });
}
