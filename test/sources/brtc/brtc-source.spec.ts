// Both shapes of a BRTC callback. callbacks.json has the bodies of Bandwidth's documentation and of its OpenAPI document, and
// what else its samples receive at the same URL, with invented values; each body is also sent to a service in
// test/e2e/brtc.spec.ts.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { identifierFault } from '../../../src/domain/identifier.js';
import type { SourceName } from '../../../src/domain/subject.js';
import { translateBrtc } from '../../../src/sources/brtc/brtc-source.js';
import type { ProviderEvent } from '../../../src/sources/source.js';
import { lengthOf } from '../../length.js';

const SOURCE = 'brtc' as SourceName;
const RECEIVED_AT_MS = 1_790_000_100_000;
const AT_MS = 1_790_000_001_412;

interface Case {
  readonly name: string;
  readonly rawBody: string;
  readonly expect: { readonly outcome: string; readonly events?: readonly object[] };
}
const CASES: readonly Case[] = JSON.parse(readFileSync(new URL('./callbacks.json', import.meta.url), 'utf8'));

const translate = (body: unknown, reasonlessEnd: 'disconnected' | 'left' = 'disconnected') =>
  translateBrtc({ source: SOURCE, reasonlessEnd }, body, RECEIVED_AT_MS);

/** In the form of callbacks.json. */
function described({ subject, deviceId, kind, occurredAtMs: at, tag }: ProviderEvent) {
  const ids = { participantId: subject?.participantId, deviceId: deviceId ?? null };
  return { ...ids, kind: kind.replace('participant-', ''), at, tag: tag ?? null };
}

const documented = (parts: object = {}) => ({
  endpointId: 'e-1',
  event: 'endpointConnected',
  deviceId: 'd-1',
  timestamp: AT_MS,
  tags: 'agent-17',
  ...parts,
});
const openApi = (parts: object = {}) => ({
  endpointId: 'e-1',
  eventType: 'DEVICE_CONNECTED',
  device: { deviceId: 'd-1', status: 'CONNECTED' },
  eventTime: new Date(AT_MS).toISOString(),
  tag: 'agent-17',
  ...parts,
});
const pointersOf = (body: unknown) => {
  const translation = translate(body);
  return translation.outcome === 'invalid' ? translation.errors.map(({ pointer }) => pointer) : translation;
};

describe('the translation of a BRTC callback', () => {
  it.each(CASES.filter(({ name }) => name !== 'not JSON'))('understands: $name', ({ rawBody, expect: wanted }) => {
    const translation = translate(JSON.parse(rawBody));
    expect(translation.outcome).toBe(wanted.outcome);
    const events = translation.outcome === 'events' ? translation.events.map(described) : undefined;
    expect(events).toEqual(wanted.events);
  });

  it('is the same for both shapes', () => {
    const kinds = { endpointConnected: 'DEVICE_CONNECTED', endpointDisconnected: 'DEVICE_DISCONNECTED' };
    const events = fc.constantFrom(...Object.entries(kinds));
    const device = fc.option(fc.uuid(), { nil: undefined });
    const tag = fc.option(fc.string(), { nil: undefined });
    fc.assert(
      fc.property(
        events,
        device,
        tag,
        fc.integer({ min: 1e11, max: 4e12 }),
        ([event, eventType], deviceId, tag, at) => {
          const one = translate(documented({ event, deviceId, timestamp: at, tags: tag }));
          const device = deviceId === undefined ? undefined : { deviceId };
          const other = translate(openApi({ eventType, device, eventTime: new Date(at).toISOString(), tag }));
          expect(other.outcome).toBe(one.outcome);
          if (one.outcome === 'events') expect(other).toEqual(one);
          expect(one.outcome).toBe(event === 'endpointConnected' && deviceId === undefined ? 'invalid' : 'events');
        },
      ),
    );
  });

  it('says that a time without a fraction may be a whole second', () => {
    const precisionOf = (eventTime: string) => {
      const translation = translate(openApi({ eventTime }));
      return translation.outcome === 'events' && translation.events[0]?.precisionMs;
    };
    expect(precisionOf('2026-09-21T14:13:21Z')).toBe(1_000);
    expect(precisionOf('2026-09-21T14:13:21.000Z')).toBe(1);
  });

  it('follows the event if a body has both names', () => {
    const both = { ...openApi(), ...documented({ event: 'connectStatus' }) };
    expect(translate(both)).toEqual({ outcome: 'ignored' });
    expect(translate({ ...both, event: 7 })).toMatchObject({ outcome: 'events' });
  });

  it('reports every end as left, if the setting says so', () => {
    const kindOf = (body: unknown) => {
      const translation = translate(body, 'left');
      return translation.outcome === 'events' && translation.events[0]?.kind;
    };
    expect(kindOf(documented({ event: 'endpointDisconnected' }))).toBe('left');
    expect(kindOf(documented({ event: 'endpointDisconnected', deviceId: null }))).toBe('participant-left');
    expect(kindOf(documented())).toBe('connected');
  });

  it.each([
    ['no event', documented({ event: undefined }), ['#/event']],
    ['an empty event', documented({ event: '' }), ['#/event']],
    ['an event that is a number', documented({ event: 7 }), ['#/event']],
    ['no endpoint', documented({ endpointId: undefined }), ['#/endpointId']],
    ['an endpoint that is a number', documented({ endpointId: 7 }), ['#/endpointId']],
    ['a connect without a device', documented({ deviceId: undefined }), ['#/deviceId']],
    ['a device that is an object', documented({ deviceId: { id: 'd-1' } }), ['#/deviceId']],
    ['an end with a blank device', documented({ event: 'endpointDisconnected', deviceId: ' ' }), ['#/deviceId']],
    ['a time in seconds', documented({ timestamp: 1_790_000_001 }), ['#/timestamp']],
    ['a time with a fraction', documented({ timestamp: AT_MS + 0.5 }), ['#/timestamp']],
    ['an RFC 3339 time in the wrong member', documented({ timestamp: '2026-09-21T14:13:21Z' }), ['#/timestamp']],
    ['nothing but an event', { event: 'endpointConnected' }, ['#/endpointId', '#/deviceId', '#/timestamp']],
    ['nothing but an eventType', { eventType: 'DEVICE_CONNECTED' }, ['#/endpointId', '#/device', '#/eventTime']],
    ['a device that is text', openApi({ device: 'd-1' }), ['#/device']],
    ['an end with a device that is text', openApi({ eventType: 'DEVICE_DISCONNECTED', device: 'd' }), ['#/device']],
    ['a device whose id is a number', openApi({ device: { deviceId: 7 } }), ['#/device/deviceId']],
    ['a time in epoch milliseconds', openApi({ eventTime: AT_MS }), ['#/eventTime']],
    ['the 30th of February', openApi({ eventTime: '2026-02-30T00:00:00Z' }), ['#/eventTime']],
    ['a time without an offset', openApi({ eventTime: '2026-09-21T14:13:21' }), ['#/eventTime']],
    ['the year 1', openApi({ eventTime: '0001-01-01T00:00:00Z' }), ['#/eventTime']],
    ['a list', [documented()], ['#']],
    ['null', null, ['#']],
  ])('rejects %s', (_, body, pointers) => {
    expect(pointersOf(body)).toEqual(pointers);
  });

  it('accepts an event despite an invalid tag', () => {
    expect(translate(documented({ tags: { a: 1 } }))).toMatchObject({ warnings: ['tags is not a string'] });
    expect(translate(openApi({ tag: 'x'.repeat(2_000) }))).toMatchObject({
      events: [{ tag: 'x'.repeat(1_024) }],
      warnings: ['tag is longer than 1024 characters and was truncated'],
    });
  });

  it('never throws, and never lets an invalid id or time through', () => {
    const value = fc.oneof(fc.anything({ maxDepth: 2 }), fc.constantFrom('d-1', AT_MS, '2026-09-21T14:13:21Z'));
    const names = ['event', 'eventType', 'endpointId', 'deviceId', 'device', 'timestamp', 'eventTime', 'tags', 'tag'];
    const members = fc.dictionary(fc.constantFrom(...names, 'status', 'fromType', 'callId'), value);
    const base = fc.constantFrom({}, documented(), openApi(), documented({ event: 'endpointDisconnected' }));
    fc.assert(
      fc.property(base, members, (body, changed) => {
        const translation = translate({ ...body, ...changed });
        const events = translation.outcome === 'events' ? translation.events : [];
        for (const { subject, deviceId, occurredAtMs } of events) {
          expect(identifierFault(subject?.participantId)).toBeUndefined();
          if (deviceId !== undefined) expect(identifierFault(deviceId)).toBeUndefined();
          expect(new Date(occurredAtMs).getTime()).toBe(occurredAtMs);
        }
        expect(['events', 'ignored', 'unknown', 'invalid']).toContain(translation.outcome);
      }),
      { numRuns: lengthOf(1_000, 20_000) },
    );
  });
});
