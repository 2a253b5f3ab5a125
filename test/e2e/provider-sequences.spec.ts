// What providers send that cannot be told from events of one device alone: test/sources/sequences.json, in the order given and in
// reverse. Participants are in the scope of their room.
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DeviceId } from '../../src/domain/lifecycle-event.js';
import type { PresencePolicy } from '../../src/domain/policy.js';
import type { ParticipantId, SourceName } from '../../src/domain/subject.js';
import type { Dialect, ProviderEvent } from '../../src/sources/source.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { startService } from './service.js';

interface Event {
  readonly participantId: string | null;
  readonly deviceId: string | null;
  readonly kind: 'connected' | 'disconnected' | 'left' | 'room-ended';
  readonly at: number;
  readonly tag?: string;
  readonly seq?: number;
}

interface Sequence {
  readonly rule: string;
  readonly source: string;
  readonly name: string;
  readonly events: readonly Event[];
  readonly now: number;
  readonly wanted: Record<string, { state: string; cause?: string; since?: number; devices?: Record<string, string> }>;
}

const { sequences } = JSON.parse(readFileSync(new URL('../sources/sequences.json', import.meta.url), 'utf8')) as {
  sequences: readonly Sequence[];
};

const SOURCE = 'provider' as SourceName;

/** Redis has a clock of its own, by which keys expire: all times are moved to the present. */
const SHIFT_MS = Math.floor(Date.now() / 1_000) * 1_000 - 1_790_000_000_000;

function providerEvent({ participantId, deviceId, kind, at, tag, seq }: Event, receivedAtMs: number): ProviderEvent {
  const precisionMs = seq === undefined ? 1 : 1_000;
  const times = { occurredAtMs: at, receivedAtMs, precisionMs, ...(seq !== undefined && { sequence: seq }) } as const;
  const scope = tag ?? 'the room';
  if (kind === 'room-ended') return { kind, source: SOURCE, scope, ...times };
  const device = deviceId as DeviceId;
  if (participantId === null)
    return { kind: `device-${kind as 'left'}`, source: SOURCE, scope, deviceId: device, ...times };
  const subject = { source: SOURCE, scope, participantId: participantId as ParticipantId };
  if (deviceId === null) return { kind: `participant-${kind as 'left'}`, subject, ...times };
  return { kind, subject, deviceId: device, ...times };
}

/** The exclusive providers let a participant have one device in a room. */
const EXCLUSIVE = ['livekit', 'twilio-video', 'brtc'];

function dialectOf(source: string): Dialect {
  const policy: Partial<PresencePolicy> = {
    socketsPerDevice: 'one',
    devicesAtOnce: EXCLUSIVE.includes(source) ? 'one' : 'many',
  };
  return {
    title: source,
    payload: class ProviderEvents {},
    contentTypes: ['application/json'],
    policy,
    endsRooms: true,
    endsDevices: true,
    create: () => ({
      translate: (body, receivedAtMs) => ({ outcome: 'events', events: [providerEvent(body as Event, receivedAtMs)] }),
    }),
  };
}

/** A dialect never dates an end before the connect that the same body names. */
function dated({ rule, events }: Sequence): readonly Event[] {
  const connects = events.filter(({ kind }) => kind === 'connected').map(({ at }) => at);
  const earliest = rule === 'R9' ? Math.max(...connects) : 0;
  return events.map((event) => ({ ...event, at: Math.max(event.at, earliest) + SHIFT_MS }));
}

const wantedOf = ({ rule, wanted }: Sequence): Sequence['wanted'] =>
  rule === 'R9' ? { 'user-7': { state: 'gone', since: 1_790_000_001_437 } } : wanted;

describe.each(['SQLite', 'Redis'])('a provider, on %s', (store) => {
  let redis: RedisServer | undefined;
  beforeEach(async () => {
    redis = store === 'Redis' ? await RedisServer.start() : undefined;
  });
  afterEach(() => redis?.stop());

  const cases = sequences.flatMap((sequence) =>
    ['in order', 'in reverse'].map((order) => ({ order, sequence, ...sequence })),
  );

  it.each(cases)('$source ($rule), $order: $name', async ({ order, sequence }) => {
    const given = dated(sequence);
    const events = order === 'in order' ? given : given.toReversed();
    const clock = new ManualClock(order === 'in order' ? (given[0]?.at ?? 0) : Math.max(...given.map(({ at }) => at)));
    const service = await startService({
      clock,
      sources: [{ name: SOURCE, dialect: 'provider' }],
      dialects: { provider: dialectOf(sequence.source) },
      ...(redis && { redisUrl: redis.url }),
    });
    for (const event of events) {
      clock.advance(Math.max(0, event.at - clock.now()));
      expect((await service.post('/callbacks/provider', event)).status).toBe(event.kind === 'room-ended' ? 202 : 204);
    }
    // Grace is counted from receipt.
    clock.advance(order === 'in order' ? Math.max(0, sequence.now + SHIFT_MS - clock.now()) : 16_000);
    for (const [id, wanted] of Object.entries(wantedOf(sequence))) {
      await eventually(async () => {
        const { items } = (
          await service.request(`/v1/participants?participantId=${id}&state=connected,reconnecting,gone`)
        ).json;
        const devices = Object.fromEntries(
          items.flatMap((item: { devices: { deviceId: string; state: string }[] }) =>
            item.devices.map(({ deviceId, state }) => [deviceId, state]),
          ),
        );
        const strongest = items.find(({ state }: { state: string }) => state !== 'gone') ?? items[0];
        const { devices: wantedDevices, since, ...rest } = wanted;
        expect(strongest).toMatchObject({ ...rest, ...(since && { since: new Date(since + SHIFT_MS).toISOString() }) });
        if (wantedDevices) expect(devices).toEqual(wantedDevices);
      });
    }
    await service.stop();
  });
});
