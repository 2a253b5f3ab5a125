// Translates Bandwidth's participant webhook, one flat object, to a lifecycle event.
// Source: https://dev.bandwidth.com/docs/webrtc/webhooks (a beta: members and events may be added).

import { identifierFault } from '../../domain/identifier.js';
import type { DeviceId, ProviderEventKind } from '../../domain/lifecycle-event.js';
import type { ParticipantId, SourceName } from '../../domain/subject.js';
import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';
import { accountId, apiCredentials, apiUrl } from '../dialect-settings.js';
import { fieldErrors, isJsonObject, NOT_AN_OBJECT } from '../json-callback.js';
import { dialectWithSettings, type ProviderEvent, type Translation } from '../source.js';
import { tagFault, tagOf } from '../tag.js';
import { timestampFault } from '../timestamp.js';
import { BandwidthObserver } from './bandwidth-observer.js';

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

const KINDS = new Map<string, ProviderEventKind>([
  ['onConnect', 'connected'],
  ['onDisconnect', 'disconnected'],
  ['onLeave', 'left'],
]);

export const bandwidth = dialectWithSettings({
  title: 'Bandwidth',
  payload: BandwidthCallback,
  contentTypes: ['application/json'],
  events: KINDS,
  settings: { accountId, apiCredentials, apiUrl: apiUrl('https://api.webrtc.bandwidth.com/v1') },
  observerNeeds: ['accountId', 'apiCredentials'],
  create: (name, { accountId: account, apiCredentials: credentials, apiUrl: url }) => ({
    translate: (body, receivedAtMs) => translateBandwidth(name, body, receivedAtMs),
    ...(account !== undefined &&
      credentials !== undefined && {
        observer: new BandwidthObserver({ apiUrl: url, accountId: account, apiCredentials: credentials }),
      }),
  }),
});

export function translateBandwidth(source: SourceName, body: unknown, receivedAtMs: number): Translation {
  if (!isJsonObject(body)) return NOT_AN_OBJECT;
  const { event, timestamp, participantId, deviceId, tag } = body;
  const kind = KINDS.get(event as string);
  if (typeof event === 'string' && event !== '' && !kind) return { outcome: 'unknown', name: event };
  const timestampIs = timestampFault(timestamp);
  const participantIdIs = identifierFault(participantId);
  const deviceIdIs = identifierFault(deviceId);
  if (!kind || timestampIs || participantIdIs || deviceIdIs) {
    const eventIs = kind ? undefined : 'must be one of onConnect, onDisconnect, onLeave';
    const faults = { event: eventIs, timestamp: timestampIs, participantId: participantIdIs, deviceId: deviceIdIs };
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
