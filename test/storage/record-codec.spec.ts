import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import { changesetOf, readRecord } from '../../src/presence/write/changeset.js';
import { decodeChanges, encodeChanges } from '../../src/storage/encoding/change-codec.js';
import { decodeRecord, encodeRecord } from '../../src/storage/encoding/record-codec.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import { connected, disconnected, fact, policy } from '../domain/builders.js';
import { availabilityFacts, deliveriesOf, histories, participantEnds, policies } from '../domain/histories.js';
import { lengthOf } from '../length.js';

const P1 = 'p1' as SubjectKey;

/** The paths of all values in nested arrays. */
function pathsOf(value: unknown, path: readonly number[] = []): number[][] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((inner, n) => [[...path, n], ...pathsOf(inner, [...path, n])]);
}

function withValue(text: string, path: readonly number[], value: unknown): string {
  const root = JSON.parse(text) as unknown[];
  const parent = path.slice(0, -1).reduce((inner, n) => inner[n] as unknown[], root);
  parent[path.at(-1) as number] = value;
  return JSON.stringify(root);
}

describe('a stored record', () => {
  it('is decoded to the original record, like changes, for any history', () => {
    const shape = { devices: 3, perDevice: 30, aheadMs: 600_000, isObserved: true };
    const delivered = fc
      .tuple(histories(shape), participantEnds(12), availabilityFacts(20))
      .chain((events) => fc.tuple(deliveriesOf(events.flat()), policies));
    fc.assert(
      fc.property(delivered, ([deliveries, policy]) => {
        let record: ParticipantRecord | undefined;
        for (const { events, nowMs } of deliveries) {
          const next = advance(record, events, nowMs, policy);
          record = next.record;
          const changes = encodeChanges(next.changes);
          expect(changes === null ? [] : decodeChanges(changes)).toEqual(next.changes);
        }
        if (record) expect(decodeRecord(P1, encodeRecord(record))).toEqual(record);
      }),
      { numRuns: lengthOf(60, 1_000) },
    );
  });

  it('keeps every device id unchanged', () => {
    const hex = fc.stringMatching(/^[\da-fA=-]{1,40}$/);
    const uuid = fc.uuid();
    const ids = fc.oneof(
      hex,
      uuid,
      uuid.map((id) => id.replaceAll('-', '')),
      uuid.map((id) => `=${id}`),
      fc.string({ minLength: 1 }),
    );
    fc.assert(
      fc.property(ids, (device) => {
        const { record } = advance(
          undefined,
          [connected({ device, at: 1_628_786_234_676 })],
          1_628_786_234_700,
          policy,
        );
        expect(decodeRecord(P1, encodeRecord(record as ParticipantRecord))).toEqual(record);
      }),
    );
  });

  it('is small', () => {
    const event = connected({
      device: 'be199214-1a03-402a-a7b6-d002470a0465',
      at: 1_628_786_234_676,
      tag: 'hello-world-phone',
    });
    const { record } = advance(undefined, [event], 1_628_786_234_700, policy);
    expect(encodeRecord(record as ParticipantRecord).length).toBeLessThan(90);
  });

  it('is rejected if it has another format', () => {
    expect(() => decodeRecord(P1, '[0]')).toThrow('a record has an unknown format');
    for (const text of ['nonsense', 'null', '{}', '1']) {
      expect(() => decodeRecord(P1, text)).toThrow('a record is not a JSON array');
    }
  });

  it('takes no more space for a participant of whose availability nothing is known, and may be without it', () => {
    const { record } = advance(undefined, [connected({ at: 1_000 })], 1_000, policy);
    const text = encodeRecord(record as ParticipantRecord);
    expect(JSON.parse(text)).toHaveLength(6);
    expect(decodeRecord(P1, text).availabilityFacts).toEqual([]);
    expect(decodeRecord(P1, text).announced).not.toHaveProperty('availability');
  });

  it('is rejected if it has a fact of availability among the events of a device, or the reverse', () => {
    const events = [connected({ at: 1_000 }), disconnected({ at: 2_000 }), fact('busy', { at: 3_000 })];
    const { record } = advance(undefined, events, 3_000, policy);
    const text = encodeRecord(record as ParticipantRecord);
    const [parts, last] = [JSON.parse(text), JSON.parse(text).length - 1] as [unknown[][], number];
    const facts = parts[last] as unknown[];
    expect(facts.slice(1)).toEqual([257, 0, 0]);
    const withFacts = (...values: unknown[]) => JSON.stringify([...parts.slice(0, last), [0, ...values]]);
    expect(() => decodeRecord(P1, withFacts(1, 0, 0))).toThrow('a record has an event in the wrong place');
    const withEnds = JSON.stringify([...parts.slice(0, last - 1), [257, 0, 0]]);
    expect(() => decodeRecord(P1, withEnds)).toThrow('a record has an event in the wrong place');
  });

  it('is rejected if it names a state by a string', () => {
    const at = 1_628_786_234_676;
    const { record } = advance(undefined, [connected({ at })], at, policy);
    const parts = JSON.parse(encodeRecord(record as ParticipantRecord)) as unknown[];
    const text = JSON.stringify([...parts.slice(0, 6), 0, ['toString', 0]]);
    expect(() => decodeRecord(P1, text)).toThrow('a record has a value that is not a valid integer');
  });

  it('is either rejected if it is damaged, or never leads to invalid index entries or changes', () => {
    const at = 1_628_786_234_676;
    const events = [
      connected({ device: 'd1', at, tag: 'red' }),
      connected({ device: 'd2', at: at + 5, precisionMs: 1_000, eventId: 'e', sequence: 3 }),
      disconnected({ device: 'd2', at: at + 900 }),
      fact('available', { at: at + 5 }),
      fact('set-busy', { at: at + 10, until: at + 100_000 }),
    ];
    const { record } = advance(undefined, events, at + 1_000, policy);
    const text = encodeRecord(record as ParticipantRecord);
    const damaged = fc
      .tuple(fc.constantFrom(...pathsOf(JSON.parse(text))), fc.jsonValue())
      .map(([path, value]) => withValue(text, path, value));
    fc.assert(
      fc.property(fc.oneof(fc.json(), damaged), fc.constantFrom(at + 1_000, at + 1e9), (stored, nowMs) => {
        const next = () => {
          const loaded = readRecord(P1, stored);
          const event = connected({ device: 'd3', at: at + 2_000 });
          return changesetOf(P1, loaded, advance(loaded?.record, [event], nowMs, policy));
        };
        let changeset: ReturnType<typeof next>;
        try {
          changeset = next();
        } catch {
          return;
        }
        for (const state of [changeset?.before, changeset?.after]) {
          if (!state) continue;
          const { sinceMs, dueMs, devices, groups } = state.index;
          expect([sinceMs, dueMs, devices].every(Number.isSafeInteger)).toBe(true);
          expect(groups.every(({ name }) => typeof name === 'string')).toBe(true);
        }
        if (changeset?.changes) expect(decodeChanges(changeset.changes)).not.toBeNull();
      }),
      { numRuns: lengthOf(2_000, 20_000) },
    );
  });
});
