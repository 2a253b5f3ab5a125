// Translates Bandwidth's participant webhook, one flat object, to a lifecycle event.
// Source: https://dev.bandwidth.com/docs/webrtc/webhooks (a beta: members and events may be added).

import { identifierFault } from '../../domain/identifier.js';
import type { DeviceId, ProviderEventKind } from '../../domain/lifecycle-event.js';
import type { ParticipantId, SourceName } from '../../domain/subject.js';
import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';
import type { FieldError } from '../../http/problem.js';
import type { Dialect, ProviderEvent, Translation } from '../source.js';

/** The payload as the provider documents it, for the API document. */
class BandwidthCallback {
  @ApiProperty({
    example: 'onConnect',
    description:
      '`onConnect`: the signalling connection was established. `onDisconnect`: it was lost. `onLeave`: it was closed by ' +
      'the client or the server. Bandwidth may add others, which are answered with 202.',
  })
  event: string;

  @ApiProperty({
    oneOf: [
      { type: 'string', pattern: String.raw`^\d{12,14}$` },
      { type: 'integer', minimum: 1e11, maximum: 1e14 - 1 },
    ],
    example: '1628786234676',
    description: 'The time of the event in milliseconds since the epoch.',
  })
  timestamp: string | number;

  @ApiProperty({ minLength: 1, maxLength: 256, example: '473f6544-92f7-4d67-9e77-bf2533cfff6d' })
  participantId: string;

  @ApiProperty({ minLength: 1, maxLength: 256, example: 'be199214-1a03-402a-a7b6-d002470a0465' })
  deviceId: string;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    example: 'hello-world-phone',
    description:
      'Absent when the participant was created without one. A tag of more than 1,024 characters is truncated.',
  })
  tag?: string;
}

const KINDS: ReadonlyMap<unknown, ProviderEventKind> = new Map([
  ['onConnect', 'connected'],
  ['onDisconnect', 'disconnected'],
  ['onLeave', 'left'],
]);

/**
 * Detects timestamps in a wrong unit. In every unit the bounds correspond to the years 1973 and 5138, so the ranges do not
 * overlap for plausible times.
 */
const UNITS = [
  { unit: 'seconds', below: 1e11 },
  { unit: undefined, below: 1e14 },
  { unit: 'microseconds', below: 1e17 },
  { unit: 'nanoseconds', below: 1e20 },
] as const;
const MAX_TAG_LENGTH = 1_024;
const EXPECTED = 'expected the time of the event in epoch milliseconds, like "1628786234676"';

export const bandwidth: Dialect = {
  title: 'Bandwidth',
  payload: BandwidthCallback,
  contentTypes: ['application/json'],
  create: (name) => ({ translate: (body, receivedAtMs) => translateBandwidth(name, body, receivedAtMs) }),
};

export function translateBandwidth(source: SourceName, body: unknown, receivedAtMs: number): Translation {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { outcome: 'invalid', errors: [{ pointer: '#', message: 'the body must be a JSON object' }] };
  }
  const { event, timestamp, participantId, deviceId, tag } = body as Record<string, unknown>;
  const kind = KINDS.get(event);
  if (typeof event === 'string' && event !== '' && !kind) return { outcome: 'unknown', name: event };
  const timestampIs = timestampFault(timestamp);
  const participantIdIs = identifierFault(participantId);
  const deviceIdIs = identifierFault(deviceId);
  if (!kind || timestampIs || participantIdIs || deviceIdIs) {
    const eventIs = kind ? undefined : 'must be one of onConnect, onDisconnect, onLeave';
    const faults = {
      event: eventIs,
      timestamp: timestampIs,
      participantId: participantIdIs,
      deviceId: deviceIdIs,
    };
    return { outcome: 'invalid', errors: fieldErrors(faults) };
  }
  const received: ProviderEvent = {
    subject: { source, scope: '', participantId: participantId as ParticipantId },
    deviceId: deviceId as DeviceId,
    kind,
    occurredAtMs: Number(timestamp),
    receivedAtMs,
    precisionMs: 1,
    tag: tagOf(tag),
  };
  const tagIs = tagFault(tag);
  const events = [received];
  return tagIs === undefined
    ? { outcome: 'events', events }
    : { outcome: 'events', events, warnings: [`tag ${tagIs}`] };
}

function fieldErrors(messages: Record<string, string | undefined>): FieldError[] {
  return Object.entries(messages).flatMap(([name, message]) => (message ? [{ pointer: `#/${name}`, message }] : []));
}

function timestampFault(value: unknown): string | undefined {
  if (value === undefined || value === null) return `is missing; ${EXPECTED}`;
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^\d{1,20}(\.\d{1,9})?$/.test(value));
  const time = isNumber ? Number(value) : Number.NaN;
  const found = time >= 0 ? UNITS.find(({ below }) => time < below) : undefined;
  if (found?.unit) return `looks like ${found.unit}; ${EXPECTED}`;
  return found && Number.isInteger(time) ? undefined : `must be a whole number; ${EXPECTED}`;
}

function tagFault(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') return 'is not a string';
  return value.length > MAX_TAG_LENGTH ? `is longer than ${MAX_TAG_LENGTH} characters and was truncated` : undefined;
}

/**
 * An event must not be lost because of its tag: numbers and booleans become text, long text is truncated, characters that
 * the stores cannot hold are removed, and any other value counts as no tag.
 */
function tagOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return undefined;
  const text = value.length > MAX_TAG_LENGTH ? value.slice(0, MAX_TAG_LENGTH) : value;
  const isStorable = text.isWellFormed() && !text.includes('\0');
  return (isStorable ? text : text.toWellFormed().replaceAll('\0', '')) || undefined;
}
