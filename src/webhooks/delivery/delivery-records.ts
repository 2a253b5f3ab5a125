// What is kept of deliveries for operators, as JSON: each attempt, and the dead letters.

/** Of both texts. */
const FORMAT = 1;

/** Of an endpoint. */
export const MAX_ATTEMPTS = 100;

/** The answer to an attempt, or why there was none. */
export interface AttemptResult {
  readonly status?: number;
  /** The first KiB of the answer. */
  readonly answer?: string;
  readonly error?: string;
}

export interface Attempt extends AttemptResult {
  readonly messageId: string;
  readonly type: string;
  /** In the message. */
  readonly changes: number;
  readonly atMs: number;
  readonly durationMs: number;
  /** Whether an operator has asked for it, beside the deliveries. */
  readonly isManual?: boolean;
}

/** A message that the endpoint has refused for too long. It can be sent again as it is. */
export interface DeadLetter {
  readonly messageId: string;
  readonly type: string;
  readonly body: string;
  readonly changes: number;
  readonly failures: number;
  readonly firstFailedAtMs: number;
  readonly deadLetteredAtMs: number;
  readonly last: AttemptResult;
}

export function encodeRecord(record: Attempt | DeadLetter): string {
  return JSON.stringify({ format: FORMAT, ...record });
}

/** Throws if the text is not a result of `encodeRecord`. */
export function decodeRecord<T extends Attempt | DeadLetter>(text: string): T {
  const { format, ...record } = JSON.parse(text) as T & { readonly format: number };
  if (format !== FORMAT) throw new Error(`a record of a delivery was stored in the unknown format ${format}`);
  return record as unknown as T;
}
