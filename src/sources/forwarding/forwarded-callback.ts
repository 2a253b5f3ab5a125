// A callback on its way from one Rollcall to another, as JSON.
import { identifierFault } from '../../domain/identifier.js';
import { labelsFault } from '../../domain/labels.js';
import type { SourceName } from '../../domain/subject.js';
import { BODY_LIMIT_BYTES } from '../../http/json-body.js';
import { REPLAY_OUTCOMES } from '../../quarantine/replay.js';
import { parseRfc3339, rfc3339 } from '../../runtime/rfc3339.js';
import type { Grant } from '../authentication/callback-token.js';
import type { ReceivedCallback } from '../refused-callbacks.js';
import { tagOf } from '../tag.js';

/** In one request. */
export const MAX_FORWARDED = 64;
/** A body of 64 KiB that consists of control characters is six times as long in JSON. */
export const MAX_FORWARDED_BYTES = 512 * 1024;

const BODY_TOO_LARGE = `must have a body of at most ${BODY_LIMIT_BYTES.toLocaleString('en')} bytes`;

/** What became of it. `refused`: it will never be accepted. `unavailable`: it may be accepted later. */
export const FORWARD_OUTCOMES = [...REPLAY_OUTCOMES, 'refused', 'unavailable'] as const;

export interface ForwardOutcome {
  readonly outcome: (typeof FORWARD_OUTCOMES)[number];
  readonly detail?: string;
}

export interface ForwardedCallback {
  readonly source: string;
  /** By the service that has accepted it. */
  readonly receivedAt: string;
  readonly contentType: string;
  readonly body: string;
  /** In the log of that service. */
  readonly requestId: string;
  /** Of the minted URL that it was sent to. */
  readonly grant?: Grant;
}

export function forwardedText({ source, receivedAtMs, contentType, body, requestId, grant }: ReceivedCallback): string {
  const callback: ForwardedCallback = {
    source,
    receivedAt: rfc3339(receivedAtMs),
    contentType,
    // It was understood, so it is valid UTF-8.
    body: body.toString(),
    requestId,
    ...(grant && { grant }),
  };
  return JSON.stringify(callback);
}

/** `nowMs`: nothing is received in the future, even if the clock of the other service is ahead. */
export function toReceived(
  { source, receivedAt, body, ...callback }: ForwardedCallback,
  nowMs: number,
): ReceivedCallback {
  const receivedAtMs = Math.min(parseRfc3339(receivedAt) ?? nowMs, nowMs);
  return { ...callback, source: source as SourceName, receivedAtMs, body: Buffer.from(body) };
}

/** undefined: it is valid. */
export function forwardedFault(callback: unknown): string | undefined {
  if (typeof callback !== 'object' || callback === null) return 'must be an object';
  const { source, receivedAt, contentType, body, requestId, grant, ...others } = callback as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return 'has an unknown member';
  if (!isText(source, 32)) return 'must have a source';
  if (typeof receivedAt !== 'string' || parseRfc3339(receivedAt) === undefined)
    return 'must have receivedAt, an RFC 3339 time';
  if (typeof contentType !== 'string') return 'must have a contentType';
  if (typeof body !== 'string') return 'must have a body';
  if (Buffer.byteLength(body) > BODY_LIMIT_BYTES) return BODY_TOO_LARGE;
  if (!isText(requestId, 64)) return 'must have a requestId';
  return grant === undefined ? undefined : grantFault(grant);
}

function grantFault(grant: unknown): string | undefined {
  const { ref, expiresAtMs, tag, participantRef, labels } = Object(grant) as Partial<Record<keyof Grant, unknown>>;
  const isValid =
    typeof ref === 'string' &&
    /^[\w-]{28}$/.test(ref) &&
    Number.isSafeInteger(expiresAtMs) &&
    (tag === undefined || tagOf(tag) === tag) &&
    (participantRef === undefined || identifierFault(participantRef) === undefined) &&
    (labels === undefined || labelsFault(labels) === undefined);
  return isValid ? undefined : 'has a grant that is not valid';
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxLength;
}
