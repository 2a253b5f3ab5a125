import { expect, it } from '@jest/globals';
import { MAX_KEPT_FACTS } from '../../src/domain/availability.js';
import { MAX_KEPT_EVENTS } from '../../src/domain/device-history.js';
import { MAX_DEVICES, MAX_DEVICES_WITHOUT_CONNECT } from '../../src/domain/eviction.js';
import { explain } from '../../src/domain/explain.js';
import type { RecordedEvent } from '../../src/domain/lifecycle-event.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import { MAX_KEPT_ENDS } from '../../src/domain/participant-ends.js';
import { explanationResponse } from '../../src/presence/api/explanation-response.js';
import { eventOf, fact, participantEnd, policy } from '../domain/builders.js';

const DEVICES = MAX_DEVICES + MAX_DEVICES_WITHOUT_CONNECT;
const padded = (text: string) => text.padEnd(256, 'x');

/** With as many events of every kind as are kept, and ids as long as are accepted. */
function longestRecord(excess: number): ParticipantRecord {
  const times = (count: number) =>
    Array.from({ length: count + excess }, (_, n) => ({ at: n, eventId: padded(`${n}`) }));
  const devices = Array.from({ length: DEVICES }, (_, n) => padded(`d${n}`));
  const ofDevice = (device: string, n: number) =>
    times(MAX_KEPT_EVENTS).map((parts) =>
      eventOf(n < MAX_DEVICES && parts.at % 2 === 0 ? 'connected' : 'disconnected', { device, ...parts }),
    );
  const events: RecordedEvent[] = [
    ...devices.flatMap(ofDevice),
    ...times(MAX_KEPT_ENDS).map((parts) =>
      participantEnd('participant-disconnected', { ...parts, at: 1_000 + parts.at }),
    ),
    ...times(MAX_KEPT_FACTS).map((parts) => fact('busy', { ...parts, at: 1_000 + parts.at })),
  ];
  const { record } = advance(undefined, events, 2_000, policy);
  if (!record) throw new Error('forgotten');
  return record;
}

it('an explanation has a limited size, however many events were received', () => {
  const [size, larger] = [0, 5].map((excess) => {
    const record = longestRecord(excess);
    const response = explanationResponse(record, explain(record, policy));
    expect(response.devices).toHaveLength(DEVICES);
    return JSON.stringify(response).length;
  });
  expect(size).toBeLessThan(750_000);
  expect(larger).toBeLessThan(750_000);
});
