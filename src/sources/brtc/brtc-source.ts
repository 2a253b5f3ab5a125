// Translates the callbacks of Bandwidth's BRTC, the Endpoints API. An endpoint is a participant. It can have one connection at
// a time and lives for 24 h; each connection has a device id.
import { identifierFault } from '../../domain/identifier.js';
import type { DeviceId } from '../../domain/lifecycle-event.js';
import type { ParticipantId, SourceName } from '../../domain/subject.js';
import { accountId, apiCredentials, apiUrl, reasonlessEnd } from '../dialect-settings.js';
import { fieldErrors, isJsonObject, NOT_AN_OBJECT } from '../json-callback.js';
import { type DialectSetting, dialectWithSettings, type ProviderEvent, type Translation } from '../source.js';
import { tagFault, tagOf } from '../tag.js';
import { BrtcCallback } from './brtc-callback.js';
import { BrtcObserver } from './brtc-observer.js';
import { type BrtcMeaning, type BrtcShape, isAboutCall, SHAPES } from './brtc-shapes.js';

export interface BrtcSource {
  readonly source: SourceName;
  /** BRTC gives no reason for any end. */
  readonly reasonlessEnd: 'disconnected' | 'left';
}

type Json = Readonly<Record<string, unknown>>;

const NO_EVENT: Translation = {
  outcome: 'invalid',
  errors: [{ pointer: '#/event', message: 'must be the name of an event, unless eventType is' }],
};

const apiAuth: DialectSetting<'oauth' | 'basic'> = {
  name: 'SOURCE_<NAME>_API_AUTH',
  purpose: 'How Rollcall authenticates to the API: oauth (client credentials) or basic.',
  fallback: 'oauth',
  read(text) {
    if (text === 'oauth' || text === 'basic') return text;
    throw new Error('must be oauth or basic');
  },
};

export const brtc = dialectWithSettings({
  title: 'Bandwidth BRTC',
  payload: BrtcCallback,
  contentTypes: ['application/json'],
  events: new Map(SHAPES.flatMap(({ meanings }) => [...meanings] as [string, BrtcMeaning][])),
  policy: { devicesAtOnce: 'one', socketsPerDevice: 'one', maxConnectionMs: 24 * 3_600_000 },
  settings: { reasonlessEnd, accountId, apiCredentials, apiAuth, apiUrl: apiUrl('https://api.bandwidth.com') },
  observerNeeds: ['accountId', 'apiCredentials'],
  create: (source, { reasonlessEnd: end, accountId: account, apiCredentials: credentials, ...api }) => ({
    translate: (body, receivedAtMs) => translateBrtc({ source, reasonlessEnd: end }, body, receivedAtMs),
    ...(account !== undefined &&
      credentials !== undefined && {
        observer: new BrtcObserver({ ...api, accountId: account, apiCredentials: credentials }),
      }),
  }),
});

export function translateBrtc(source: BrtcSource, body: unknown, receivedAtMs: number): Translation {
  if (!isJsonObject(body)) return NOT_AN_OBJECT;
  const shape = SHAPES.find(({ nameMember }) => typeof body[nameMember] === 'string' && body[nameMember] !== '');
  const meaning = shape?.meanings.get(body[shape.nameMember]);
  if (meaning === 'ignored') return { outcome: 'ignored' };
  if (shape && meaning) return translateEvent(source, shape, meaning, body, receivedAtMs);
  if (isAboutCall(body)) return { outcome: 'ignored' };
  return shape ? { outcome: 'unknown', name: String(body[shape.nameMember]) } : NO_EVENT;
}

function translateEvent(
  { source, reasonlessEnd: endKind }: BrtcSource,
  shape: BrtcShape,
  meaning: Exclude<BrtcMeaning, 'ignored'>,
  body: Json,
  receivedAtMs: number,
): Translation {
  const { endpointId } = body;
  const [device, time, tag] = [shape.device(body), shape.time(body), shape.tag(body)];
  const isAvailability = meaning === 'available' || meaning === 'busy';
  const isEndOfAll = meaning === 'disconnected' && (device.value === undefined || device.value === null);
  // The availability is that of the endpoint, whatever its device is.
  const deviceFault = isAvailability
    ? undefined
    : (device.fault ?? (isEndOfAll ? undefined : identifierFault(device.value)));
  const faults = { endpointId: identifierFault(endpointId), [device.name]: deviceFault, [time.name]: time.fault };
  const errors = fieldErrors(faults);
  if (errors.length > 0) return { outcome: 'invalid', errors };
  const common = {
    subject: { source, scope: '', participantId: endpointId as ParticipantId },
    occurredAtMs: time.timeMs,
    receivedAtMs,
    precisionMs: time.precisionMs,
    tag: tagOf(tag.value),
  };
  const eventOf = (): ProviderEvent => {
    if (isAvailability) return { ...common, kind: meaning };
    if (isEndOfAll) return { ...common, kind: `participant-${endKind}` };
    return { ...common, kind: meaning === 'connected' ? meaning : endKind, deviceId: device.value as DeviceId };
  };
  const tagIs = tagFault(tag.value);
  return { outcome: 'events', events: [eventOf()], ...(tagIs !== undefined && { warnings: [`${tag.name} ${tagIs}`] }) };
}
