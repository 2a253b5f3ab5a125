// A source of BRTC: what a service makes of its callbacks, of each body in test/sources/brtc/callbacks.json, and of bad ones.
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { brtc } from '../../src/sources/brtc/brtc-source.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { sourceOf } from '../sources/every-dialect.js';
import { type Service, startService } from './service.js';

const SECRET = 'a-callback-secret-of-32-characters-or-more';
const PUBLIC_URL = 'https://rollcall.example.com';
const AT_MS = 1_790_000_000_000;
const STATUSES: Readonly<Record<string, number>> = { events: 204, ignored: 204, unknown: 202, invalid: 400 };

interface Case {
  readonly name: string;
  readonly contentType: string;
  readonly rawBody: string;
  readonly expect: { readonly outcome: string; readonly events?: readonly { readonly participantId: string }[] };
}
const CASES: readonly Case[] = JSON.parse(
  readFileSync(new URL('../sources/brtc/callbacks.json', import.meta.url), 'utf8'),
);

describe('a source of BRTC', () => {
  let service: Service;
  let clock: ManualClock;
  beforeEach(async () => {
    clock = new ManualClock(AT_MS);
    const access = { callbackSecrets: [SECRET], publicUrl: PUBLIC_URL };
    service = await startService({ sources: [sourceOf('brtc', brtc)], clock, access });
  });
  afterEach(() => service.stop());

  const send = async (body: unknown, path = `/callbacks/brtc/${SECRET}`) => (await service.post(path, body)).status;
  const event = (name: string, atMs: number, parts: object = {}) =>
    send({
      accountId: '1',
      endpointId: 'e-1',
      event: name,
      deviceId: 'd-1',
      timestamp: atMs,
      tags: 'agents',
      ...parts,
    });
  const endpoint = async (id = 'e-1') => (await service.request(`/v1/participants/${id}`)).json;
  const unknownEvents = () =>
    service.refusals
      .totals()
      .filter(({ reason }) => reason === 'unknown-event')
      .map(({ count }) => count);

  it.each(CASES)('answers: $name', async ({ contentType, rawBody, expect: { outcome, events = [] } }) => {
    const headers = { 'content-type': contentType };
    const { status } = await service.request(`/callbacks/brtc/${SECRET}`, { method: 'POST', headers, body: rawBody });
    expect(status).toBe(STATUSES[outcome]);
    expect(unknownEvents()).toEqual(outcome === 'unknown' ? [1] : []);
    const { items } = (await service.request('/v1/participants?state=connected,reconnecting,gone')).json;
    expect(items.map(({ participantId }: { participantId: string }) => participantId)).toEqual(
      events.map(({ participantId }) => participantId),
    );
    const kept = outcome === 'unknown' ? 'unknown-event' : outcome === 'invalid' ? expect.any(String) : undefined;
    const reasons = kept === undefined ? [] : [kept];
    await eventually(async () => {
      const { items: quarantined } = (await service.request('/v1/quarantine')).json;
      expect(quarantined.map(({ reason }: { reason: string }) => reason)).toEqual(reasons);
    });
  });

  it('knows whether an endpoint can be given a call, also if that is received before its connect', async () => {
    expect(await event('endpointEligible', AT_MS + 500)).toBe(204);
    expect(await event('endpointConnected', AT_MS)).toBe(204);
    const availableSince = new Date(AT_MS + 500).toISOString();
    expect(await endpoint()).toMatchObject({ state: 'connected', availability: 'available', availableSince });
    const waiting = '/v1/participants?tag=agents&availability=available&order=longest-available&limit=3';
    expect((await service.request(waiting)).json.items).toMatchObject([{ participantId: 'e-1' }]);
    expect(await event('endpointIneligible', AT_MS + 900)).toBe(204);
    expect(await endpoint()).toMatchObject({ state: 'connected', availability: 'busy' });
    expect((await service.request(waiting)).json.items).toEqual([]);
  });

  it('ends the connection of an endpoint, whichever device has it, if no device is named', async () => {
    expect(await event('endpointConnected', AT_MS)).toBe(204);
    expect(await endpoint()).toMatchObject({ state: 'connected', tag: 'agents' });
    const end = { endpointId: 'e-1', eventType: 'DEVICE_DISCONNECTED', eventTime: new Date(AT_MS + 500).toISOString() };
    expect(await send(end)).toBe(204);
    expect(await endpoint()).toMatchObject({ state: 'reconnecting', tag: 'agents' });
    clock.advance(15_000);
    await eventually(async () => expect(await endpoint()).toMatchObject({ state: 'gone', cause: 'lost' }));
  });

  it('replaces the device of an endpoint by a newer one, whose end is the end of the participant', async () => {
    await event('endpointConnected', AT_MS);
    clock.advance(10_000);
    await event('endpointConnected', AT_MS + 10_000, { deviceId: 'd-2' });
    expect((await endpoint()).devices).toMatchObject([
      { deviceId: 'd-2', state: 'connected' },
      { deviceId: 'd-1', state: 'gone', cause: 'superseded' },
    ]);
    await event('endpointDisconnected', AT_MS + 20_000, { deviceId: 'd-2' });
    expect(await endpoint()).toMatchObject({ state: 'reconnecting' });
  });

  it('takes a second connect of a device for a repeat, so that the next end ends it', async () => {
    await event('endpointConnected', AT_MS);
    await event('endpointConnected', AT_MS + 1_000);
    await event('endpointDisconnected', AT_MS + 2_000);
    expect(await endpoint()).toMatchObject({ state: 'reconnecting' });
  });

  it('expires a connection after a day, when the provider has ended its endpoint', async () => {
    await event('endpointConnected', AT_MS);
    clock.advance(86_399_000);
    expect(await endpoint()).toMatchObject({ state: 'connected' });
    clock.advance(2_000);
    await eventually(async () => expect(await endpoint()).toMatchObject({ state: 'gone', cause: 'expired' }));
  });

  it('takes a callback that was sent to the fallback URL as well for the same', async () => {
    await event('endpointConnected', AT_MS);
    const { version } = await endpoint();
    expect(await event('endpointConnected', AT_MS)).toBe(204);
    expect((await endpoint()).version).toBe(version);
  });

  it('has minted URLs, which belong to the first endpoint that is received through them', async () => {
    const { json } = await service.post('/v1/callback-urls', { source: 'brtc', tag: 'queue-7' });
    const path = new URL(json.callbackUrl).pathname;
    expect(path).toMatch(/^\/callbacks\/brtc\//);
    const connect = (endpointId: string) =>
      send({ endpointId, event: 'endpointConnected', deviceId: 'd-1', timestamp: AT_MS, tags: '' }, path);
    expect(await connect('e-1')).toBe(204);
    expect(await connect('e-2')).toBe(403);
    expect(await endpoint()).toMatchObject({ state: 'connected', tag: 'queue-7' });
    const end = { endpointId: 'e-1', eventType: 'DEVICE_DISCONNECTED', eventTime: new Date(AT_MS + 1).toISOString() };
    expect(await send(end, path)).toBe(204);
    expect(await endpoint()).toMatchObject({ state: 'reconnecting', tag: 'queue-7' });
    expect((await endpoint('e-2')).status).toBe(404);
  });

  it('refuses bodies that are too large, not JSON by their content type, or without a secret', async () => {
    const large = { endpointId: 'e-1', event: 'endpointConnected', tags: 'x'.repeat(65_536) };
    expect(await send(large)).toBe(413);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const init = { method: 'POST', headers, body: 'event=endpointConnected' };
    expect((await service.request(`/callbacks/brtc/${SECRET}`, init)).status).toBe(415);
    expect(await send({ event: 'endpointConnected' }, '/callbacks/brtc')).toBe(401);
    expect(await send({ event: 'endpointConnected' }, `/callbacks/brtc/${SECRET.replace('a', 'b')}`)).toBe(404);
    expect((await service.request('/v1/participants?state=connected,reconnecting,gone')).json.items).toEqual([]);
  });
});
