// Compares the hand-written validation of callbacks with an equivalent class-validator DTO: both must accept and reject the same
// bodies, for the same members.
import { describe, expect, it } from '@jest/globals';
import { plainToInstance } from 'class-transformer';
import { IsIn, ValidateBy, validateSync } from 'class-validator';
import fc from 'fast-check';
import { translateBandwidth } from '../../../src/sources/bandwidth/bandwidth-source.js';
import { BANDWIDTH } from '../../contract/index-entry.js';
import { lengthOf } from '../../length.js';
import { codePoint } from '../../unicode-text.js';

const EVENTS = ['onConnect', 'onDisconnect', 'onLeave'];
const RECEIVED_AT_MS = 1_790_000_000_000;

/** Up to 256 characters of valid Unicode without control characters, not blank. */
const isIdentifier = (value: unknown) =>
  typeof value === 'string' &&
  /^[^\p{Cc}\p{Surrogate}]{1,512}$/u.test(value) &&
  value.length <= 256 &&
  /\S/.test(value);

const Identifier = () => ValidateBy({ name: 'identifier', validator: { validate: isIdentifier } });

const isTime = (value: unknown) => {
  const isWritten = typeof value === 'number' || (typeof value === 'string' && /^\d{1,20}(\.\d{1,9})?$/.test(value));
  const timeMs = Number(value);
  return isWritten && Number.isInteger(timeMs) && timeMs >= 1e11 && timeMs < 1e14;
};

class BandwidthDto {
  @IsIn(EVENTS)
  event: unknown;

  @ValidateBy({ name: 'epochMilliseconds', validator: { validate: isTime } })
  timestamp: unknown;

  @Identifier()
  participantId: unknown;

  @Identifier()
  deviceId: unknown;
}

const anything = fc.anything({ maxDepth: 1 });
const time = fc.oneof(
  fc.integer({ min: 0, max: 8_640_000_000_000_000 }),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }).map(String),
  fc.constantFrom(
    '',
    ' 1628786234676',
    '1628786234676.5',
    '1e12',
    '-1628786234676',
    1_628_786_234,
    8.64e15 + 1,
    Number.NaN,
  ),
);
const id = fc.oneof(
  fc.uuid(),
  fc.string({ maxLength: 300 }),
  fc.constantFrom('', 'a'.repeat(256), 'a'.repeat(257), 'e-{x}'),
);
const body = fc.record(
  {
    event: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...EVENTS) }, anything),
    timestamp: fc.oneof({ weight: 4, arbitrary: time }, anything),
    participantId: fc.oneof({ weight: 4, arbitrary: id }, anything),
    deviceId: fc.oneof({ weight: 4, arbitrary: id }, anything),
    tag: fc.oneof({ weight: 4, arbitrary: fc.string({ maxLength: 1_100, unit: codePoint }) }, anything),
    more: anything,
  },
  { requiredKeys: [] },
);

/** The pointers of the members that the DTO rejects. */
function rejectedByDto(value: object): string[] {
  const errors = validateSync(plainToInstance(BandwidthDto, value), { forbidUnknownValues: false });
  return errors.map(({ property }) => `#/${property}`).sort((a, b) => a.localeCompare(b));
}

describe('the translation of a Bandwidth callback', () => {
  it('accepts and rejects the same members as the DTO', () => {
    fc.assert(
      fc.property(body, (value) => {
        const translation = translateBandwidth(BANDWIDTH, value, RECEIVED_AT_MS);
        const rejected = rejectedByDto(value);
        const { event } = value;
        if (typeof event === 'string' && event !== '' && !EVENTS.includes(event)) {
          expect(translation).toEqual({ outcome: 'unknown', name: event });
        } else if (rejected.length > 0) {
          const errors = translation.outcome === 'invalid' ? translation.errors : [];
          expect(errors.map(({ pointer }) => pointer).sort((a, b) => a.localeCompare(b))).toEqual(rejected);
        } else {
          const event = translation.outcome === 'events' ? translation.events[0] : undefined;
          expect(event?.tag ?? '').toEqual(expect.any(String));
          expect(event?.tag?.length ?? 0).toBeLessThanOrEqual(1_024);
        }
      }),
      { numRuns: lengthOf(1_000, 20_000) },
    );
  });

  it('keeps all information of accepted callbacks', () => {
    const valid = fc.record({
      event: fc.constantFrom(...EVENTS),
      timestamp: fc.integer({ min: 1e11, max: 4e12 }).chain((ms) => fc.constantFrom(ms, String(ms))),
      participantId: fc.uuid(),
      deviceId: fc.uuid(),
      tag: fc.option(fc.string({ minLength: 1 })),
    });
    fc.assert(
      fc.property(valid, ({ event, timestamp, participantId, deviceId, tag }) => {
        const translation = translateBandwidth(
          BANDWIDTH,
          { event, timestamp, participantId, deviceId, tag },
          RECEIVED_AT_MS,
        );
        const kind = ['connected', 'disconnected', 'left'][EVENTS.indexOf(event)];
        const label = tag?.replaceAll('\0', '') || undefined;
        const facts = {
          subject: { source: BANDWIDTH, scope: '', participantId },
          deviceId,
          kind,
          occurredAtMs: Number(timestamp),
          receivedAtMs: RECEIVED_AT_MS,
          precisionMs: 1,
        };
        expect(translation).toEqual({ outcome: 'events', events: [{ ...facts, tag: label }] });
      }),
    );
  });

  it.each([
    ['seconds', ['1628786234', 1_628_786_234, '1628786234.676', 1_628_786_234.676]],
    ['microseconds', ['1628786234676000', 1_628_786_234_676_000]],
    ['nanoseconds', ['1628786234676000000', 1_628_786_234_676_000_000]],
  ])('rejects a time in %s and names the unit', (unit, times) => {
    for (const timestamp of times) {
      const body = { event: 'onConnect', timestamp, participantId: 'p', deviceId: 'd' };
      const translation = translateBandwidth(BANDWIDTH, body, RECEIVED_AT_MS);
      const message = expect.stringContaining(`looks like ${unit}; expected the time`);
      expect(translation).toMatchObject({ outcome: 'invalid', errors: [{ pointer: '#/timestamp', message }] });
    }
  });

  it('accepts times in milliseconds from 1974 to 5138, and in no other unit', () => {
    const years = fc.date({ min: new Date('1974-01-01'), max: new Date('5138-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(years, fc.constantFrom(-3, 0, 3, 6), fc.boolean(), (date, digits, isText) => {
        const time = digits < 0 ? Math.floor(date.getTime() / 1_000) : date.getTime() * 10 ** digits;
        const timestamp = isText ? BigInt(Math.round(time)).toString() : time;
        const body = { event: 'onConnect', timestamp, participantId: 'p', deviceId: 'd' };
        expect(translateBandwidth(BANDWIDTH, body, RECEIVED_AT_MS).outcome).toBe(digits === 0 ? 'events' : 'invalid');
      }),
    );
  });

  it.each([
    ['x'.repeat(2_000), 'x'.repeat(1_024), 'is longer than 1024 characters and was truncated'],
    [`${'x'.repeat(1_023)}😀`, `${'x'.repeat(1_023)}\ufffd`, 'is longer than 1024 characters and was truncated'],
    [7, '7', 'is not a string'],
    [false, 'false', 'is not a string'],
    [{ a: 1 }, undefined, 'is not a string'],
    [['red'], undefined, 'is not a string'],
  ])('accepts an event despite an invalid tag: %p', (tag, used, fault) => {
    const body = { event: 'onConnect', timestamp: '1628786234676', participantId: 'p', deviceId: 'd', tag };
    const translation = translateBandwidth(BANDWIDTH, body, RECEIVED_AT_MS);
    expect(translation).toMatchObject({ outcome: 'events', warnings: [`tag ${fault}`] });
    expect(translation.outcome === 'events' && translation.events[0]?.tag).toBe(used);
  });

  it.each([null, undefined, 7, 'text', [[]]])('rejects %p, which is not an object', (value) => {
    expect(translateBandwidth(BANDWIDTH, value, RECEIVED_AT_MS)).toMatchObject({
      outcome: 'invalid',
      errors: [{ pointer: '#' }],
    });
  });
});
