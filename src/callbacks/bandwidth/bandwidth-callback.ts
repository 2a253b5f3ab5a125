// Bandwidth's participant webhook as a lifecycle event: a pure translation of one flat object.
// Source: https://dev.bandwidth.com/docs/webrtc/webhooks (a beta, so that members and events may be added).
import { ApiProperty, ApiPropertyOptional } from '../../platform/openapi-decorators.js';
import type { FieldError } from '../../platform/problem.js';
import type { DeviceId, EventKind, LifecycleEvent, ParticipantId } from '../../presence/domain/lifecycle-event.js';
import { identifierFault } from '../../presence/identifier.js';

/** The provider's documentation of it, for ours. */
export class BandwidthCallback {
  @ApiProperty({ enum: ['onConnect', 'onDisconnect', 'onLeave'], example: 'onLeave' })
  event: string;

  @ApiProperty({
    oneOf: [{ type: 'string', pattern: String.raw`^\d+$` }, { type: 'integer' }],
    description: 'When it happened, in epoch milliseconds.',
    example: '1628786234676',
  })
  timestamp: string | number;

  @ApiProperty({ example: '473f6544-92f7-4d67-9e77-bf2533cfff6d', maxLength: 256 })
  participantId: string;

  @ApiProperty({ example: 'be199214-1a03-402a-a7b6-d002470a0465', maxLength: 256 })
  deviceId: string;

  @ApiPropertyOptional({ nullable: true, example: 'hello-world-phone', maxLength: 1_024 })
  tag?: string;
}

export type Translation =
  | { readonly outcome: 'event'; readonly event: LifecycleEvent }
  /** The provider may add events; `name` is one that is not known. */
  | { readonly outcome: 'unknown-event'; readonly name: string }
  | { readonly outcome: 'invalid'; readonly errors: readonly FieldError[] };

const KINDS: ReadonlyMap<unknown, EventKind> = new Map([
  ['onConnect', 'connected'],
  ['onDisconnect', 'disconnected'],
  ['onLeave', 'left'],
]);

/** Before 1973 in milliseconds, and after the year 5000 in seconds: a time this small is not in milliseconds. */
const LEAST_PLAUSIBLE_MS = 100_000_000_000;
/** The greatest time that has a date. */
const GREATEST_MS = 8.64e15;
const MAX_TAG_LENGTH = 1_024;
const EXPECTED = 'expected is the time of the event in epoch milliseconds, like "1628786234676"';

/** `body`: any JSON value. `heardAtMs`: when it came in, by our clock. */
export function translateBandwidth(body: unknown, heardAtMs: number): Translation {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { outcome: 'invalid', errors: [{ pointer: '#', message: 'the body must be a JSON object' }] };
  }
  const { event, timestamp, participantId, deviceId, tag } = body as Record<string, unknown>;
  const kind = KINDS.get(event);
  if (typeof event === 'string' && event !== '' && !kind) return { outcome: 'unknown-event', name: event };
  const timestampIs = timestampFault(timestamp);
  const participantIdIs = identifierFault(participantId);
  const deviceIdIs = identifierFault(deviceId);
  const tagIs = tagFault(tag);
  if (!kind || timestampIs || participantIdIs || deviceIdIs || tagIs) {
    const eventIs = kind ? undefined : 'must be one of onConnect, onDisconnect, onLeave';
    const faults = {
      event: eventIs,
      timestamp: timestampIs,
      participantId: participantIdIs,
      deviceId: deviceIdIs,
      tag: tagIs,
    };
    return { outcome: 'invalid', errors: fieldErrors(faults) };
  }
  const heard: LifecycleEvent = {
    source: 'bandwidth',
    participantId: participantId as ParticipantId,
    deviceId: deviceId as DeviceId,
    kind,
    atMs: Number(timestamp),
    heardAtMs,
    tag: tagOf(tag),
  };
  return { outcome: 'event', event: heard };
}

function fieldErrors(messages: Record<string, string | undefined>): FieldError[] {
  return Object.entries(messages).flatMap(([name, message]) => (message ? [{ pointer: `#/${name}`, message }] : []));
}

function timestampFault(value: unknown): string | undefined {
  if (value === undefined || value === null) return `is missing; ${EXPECTED}`;
  const isDigits = typeof value === 'string' ? /^\d{1,16}$/.test(value) : typeof value === 'number';
  const timeMs = isDigits ? Number(value) : Number.NaN;
  if (!Number.isInteger(timeMs) || timeMs < 0 || timeMs > GREATEST_MS) return `must be a whole number; ${EXPECTED}`;
  if (timeMs < LEAST_PLAUSIBLE_MS) return `looks like seconds; ${EXPECTED}`;
  return undefined;
}

function tagFault(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') return 'must be a string';
  return value.length > MAX_TAG_LENGTH ? `must not be longer than ${MAX_TAG_LENGTH} characters` : undefined;
}

/** A label is not worth losing an event for: what no store can hold is taken out of it. */
function tagOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const isStorable = value.isWellFormed() && !value.includes('\0');
  return (isStorable ? value : value.toWellFormed().replaceAll('\0', '')) || undefined;
}
