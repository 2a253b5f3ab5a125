// The format for everyone whose provider Rollcall does not know: CloudEvents in JSON, one or a batch, signed as Standard Webhooks.
// In the binary mode of CloudEvents, type and time are in headers, which the signature does not cover, so it is not accepted.
// Source: https://github.com/cloudevents/spec (spec.md, json-format.md, http-protocol-binding.md of version 1.0.2).
import { identifierFault } from '../../domain/identifier.js';
import { type Labels, labelsFault } from '../../domain/labels.js';
import type { DeviceId, ProviderEventKind } from '../../domain/lifecycle-event.js';
import type { ParticipantId, SourceName } from '../../domain/subject.js';
import type { FieldError } from '../../http/problem.js';
import { fieldErrors, isAbsent, isJsonObject, membersOf } from '../json-callback.js';
import { dialectWithSettings, type ProviderEvent, type Translation } from '../source.js';
import { rfc3339TimeMs } from '../timestamp.js';
import { GenericCallback } from './generic-callback.js';
import { authenticateStandardWebhook, signingSecrets } from './standard-webhooks.js';

const BATCH = 'application/cloudevents-batch+json';

const NAMESPACE = 'rollcall.';

const KINDS: ReadonlyMap<string, ProviderEventKind> = new Map([
  ['rollcall.device.connected', 'connected'],
  ['rollcall.device.disconnected', 'disconnected'],
  ['rollcall.device.left', 'left'],
  // A heartbeat. Where a device has one socket, a further connect renews the connection and changes nothing else.
  ['rollcall.device.seen', 'connected'],
]);

const MAX_TAG_LENGTH = 1_024;
/** Enough to find the mistake; a batch has more than a hundred events. */
const MAX_ERRORS = 20;

export const generic = dialectWithSettings({
  title: 'your own feed',
  payload: GenericCallback,
  contentTypes: ['application/cloudevents+json', BATCH],
  arrayContentTypes: [BATCH],
  // A device is one connection, so a second connect is a repeat.
  policy: { socketsPerDevice: 'one' },
  settings: { signingSecrets },
  create: (source, { signingSecrets: keys }) => ({
    authenticate: (callback, nowMs) => authenticateStandardWebhook(keys, callback, nowMs),
    translate: (body, receivedAtMs) =>
      Array.isArray(body) ? translateBatch(source, body, receivedAtMs) : translateEvent(source, body, receivedAtMs),
  }),
});

/** A batch is taken as a whole or not at all, so that its sender need not find out which part to send again. */
function translateBatch(source: SourceName, batch: readonly unknown[], receivedAtMs: number): Translation {
  const translations = batch.map((element) => translateEvent(source, element, receivedAtMs));
  const errors = translations.flatMap((translation, index) => errorsAt(`#/${index}`, translation));
  if (errors.length > 0) return { outcome: 'invalid', errors: errors.slice(0, MAX_ERRORS) };
  return { outcome: 'events', events: translations.flatMap((one) => (one.outcome === 'events' ? one.events : [])) };
}

function errorsAt(place: string, translation: Translation): readonly FieldError[] {
  if (translation.outcome === 'unknown') return [{ pointer: `${place}/type`, message: 'is not known' }];
  if (translation.outcome !== 'invalid') return [];
  return translation.errors.map(({ pointer, message }) => ({ pointer: pointer.replace('#', place), message }));
}

function translateEvent(source: SourceName, body: unknown, receivedAtMs: number): Translation {
  if (!isJsonObject(body)) {
    return { outcome: 'invalid', errors: [{ pointer: '#', message: 'must be a CloudEvent, which is a JSON object' }] };
  }
  const { specversion, type, source: feed, id, time, datacontenttype, data } = body;
  if (specversion !== '1.0' || typeof type !== 'string' || type === '') {
    const errors = fieldErrors({
      specversion: specversion === '1.0' ? undefined : 'must be "1.0"',
      type: typeof type === 'string' && type !== '' ? undefined : 'must be a type of event',
    });
    return { outcome: 'invalid', errors };
  }
  const kind = KINDS.get(type);
  if (!kind) return type.startsWith(NAMESPACE) ? { outcome: 'unknown', name: type } : { outcome: 'ignored' };
  const { participantId, deviceId, scope, tag, labels } = membersOf(data);
  const occurredAtMs = rfc3339TimeMs(time);
  const errors = fieldErrors({
    source: identifierFault(feed),
    id: identifierFault(id),
    time: occurredAtMs === undefined ? 'must be an RFC 3339 time, like 2026-09-21T14:13:21.437Z' : undefined,
    datacontenttype: isJson(datacontenttype) ? undefined : 'must be application/json',
    'data/participantId': identifierFault(participantId),
    'data/deviceId': identifierFault(deviceId),
    'data/scope': isAbsent(scope) ? undefined : identifierFault(scope),
    'data/tag': isAbsent(tag) ? undefined : tagFault(tag),
    'data/labels': isAbsent(labels) ? undefined : labelsMessage(labels),
  });
  if (errors.length > 0 || occurredAtMs === undefined) return { outcome: 'invalid', errors };
  const event: ProviderEvent = {
    subject: { source, scope: isAbsent(scope) ? '' : (scope as string), participantId: participantId as ParticipantId },
    deviceId: deviceId as DeviceId,
    kind,
    occurredAtMs,
    receivedAtMs,
    precisionMs: 1,
    eventId: `${feed as string} ${id as string}`,
    ...(!isAbsent(tag) && { tag: tag as string }),
    ...(!isAbsent(labels) && Object.keys(labels as Labels).length > 0 && { labels: labels as Labels }),
  };
  return { outcome: 'events', events: [event] };
}

function isJson(contentType: unknown): boolean {
  return isAbsent(contentType) || (typeof contentType === 'string' && /^application\/json *(;|$)/i.test(contentType));
}

function labelsMessage(labels: unknown): string | undefined {
  const fault = labelsFault(labels);
  return fault?.name === undefined ? fault?.message : `must have labels that are valid: one ${fault.message}`;
}

function tagFault(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be a string';
  if (value.length > MAX_TAG_LENGTH) return `must not be longer than ${MAX_TAG_LENGTH} characters`;
  return value.isWellFormed() && !value.includes('\0') ? undefined : 'must be valid Unicode without NUL';
}
