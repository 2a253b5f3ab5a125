// How many events are kept to apply them again after a failover.
import { expect, it } from '@jest/globals';
import type { DeviceId, LifecycleEvent } from '../../src/domain/lifecycle-event.js';
import type { ParticipantId, SourceName } from '../../src/domain/subject.js';
import type { AcceptedEvent } from '../../src/sources/accepted-event.js';
import { ReplayWindow } from '../../src/sources/replay-window.js';

const MAX_BYTES = 64 * 1024 * 1024;
const SECOND = 1_000;

function connected(parts: Partial<LifecycleEvent> = {}, grant?: AcceptedEvent['grant']): AcceptedEvent {
  const subject = { source: 'bandwidth' as SourceName, scope: '', participantId: 'p'.repeat(36) as ParticipantId };
  const deviceId = 'd'.repeat(36) as DeviceId;
  const times = { occurredAtMs: 0, receivedAtMs: 0, precisionMs: 1 } as const;
  return {
    event: { subject, deviceId, kind: 'connected', ...times, tag: 'support-hotline', ...parts },
    ...(grant && { grant }),
  };
}

/** Adds an event so often that not all can be kept. Returns the number kept. */
function kept(event: AcceptedEvent): number {
  const window = new ReplayWindow(60 * SECOND);
  for (let n = 0; n < 250_000; n += 1) window.add(event, 0, 0);
  window.add(connected({ tag: 'newest' }), 0, 0);
  const items = window.items(0);
  expect(items.at(-1)?.event.tag).toBe('newest');
  return items.length;
}

it('keeps what was recorded since its length before the store was last known to be intact', () => {
  const window = new ReplayWindow(60 * SECOND);
  for (let second = 0; second < 5_000; second += 1) {
    window.add(connected({ tag: `${second}` }), second * SECOND, Math.min(second, 4_000) * SECOND);
  }
  const tags = window.items(4_000 * SECOND).map(({ event }) => event.tag);
  expect([tags[0], tags.at(-1), tags.length]).toEqual(['3940', '4999', 1_060]);
  expect(window.items(4_990 * SECOND).map(({ event }) => event.tag)).toHaveLength(70);
});

it('keeps nothing if its length is 0', () => {
  const window = new ReplayWindow(0);
  window.add(connected(), 0, 0);
  expect(window.items(0)).toEqual([]);
});

it('keeps about 160,000 events with short texts', () => {
  expect(kept(connected())).toBeGreaterThan(150_000);
});

const long = (length: number) => '字'.repeat(length);
const labels = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`label${n}`, long(256)]));
const subject = {
  source: 'livekit' as SourceName,
  scope: long(256),
  participantId: long(256) as ParticipantId,
};

it.each([
  ['a long tag', connected({ tag: long(1_024) }), 2_048],
  ['long ids', connected({ subject, deviceId: long(256) as DeviceId, eventId: long(256) }), 2_048],
  ['labels', connected({ labels, mintedLabels: labels }), 8_192],
  ['a grant', connected({ participantRef: long(256) }, { ref: long(28), expiresAtMs: 0 }), 568],
  [
    'the end of a room',
    {
      event: {
        kind: 'room-ended',
        source: subject.source,
        scope: long(256),
        occurredAtMs: 0,
        receivedAtMs: 0,
        precisionMs: 1,
        eventId: long(256),
      },
    } as AcceptedEvent,
    1_024,
  ],
])('keeps at most 64 MiB of events with %s, the newest', (_what, event, textBytes) => {
  const count = kept(event);
  expect(count).toBeLessThan(MAX_BYTES / textBytes);
  expect(count).toBeGreaterThan(MAX_BYTES / (textBytes + 2_000));
});
