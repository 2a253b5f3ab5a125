// The meaning of the webhooks of event_sync, by recorded cases. Those that say `captured` are from the real module.
import { describe, expect, it } from '@jest/globals';
import type { SourceName } from '../../../src/domain/subject.js';
import { jitsi } from '../../../src/sources/jitsi/jitsi-source.js';
import type { Translation } from '../../../src/sources/source.js';
import { bodyCases, meaningOf } from '../cases.js';
import { sourceOf } from '../every-dialect.js';

const SOURCE = 'jitsi' as SourceName;
const RECEIVED_AT_MS = 1_790_000_200_000;
const JID = 'aa11bb22@meet.example.org/pX7_kQ2m';

const settings = sourceOf('jitsi', jitsi).settings ?? {};
const source = jitsi.create(SOURCE, settings);
const translate = (body: unknown) => source.translate(body, RECEIVED_AT_MS);

const joined = (occupant: object = {}, more: object = {}) => ({
  event_name: 'muc-occupant-joined',
  room_name: 'r-42',
  occupant: { occupant_jid: JID, id: 'alice', joined_at: 1_790_000_001, ...occupant },
  ...more,
});
const left = (occupant: object = {}, more: object = {}) => ({
  ...joined({ left_at: 1_790_000_061, ...occupant }),
  event_name: 'muc-occupant-left',
  ...more,
});
const destroyed = (occupants: unknown, more: object = {}) => ({
  event_name: 'muc-room-destroyed',
  room_name: 'r-42',
  destroyed_at: 1_790_000_401,
  all_occupants: occupants,
  ...more,
});

function pointersOf(translation: Translation): readonly string[] | undefined {
  return translation.outcome === 'invalid' ? translation.errors.map(({ pointer }) => pointer) : undefined;
}

describe('the body of event_sync', () => {
  it.each(bodyCases('jitsi/bodies').map((one) => [one.name, one] as const))('in the recorded case: %s', (_, one) => {
    const { outcome, events } = one.expect;
    expect(meaningOf(one.rawBody, translate)).toEqual(events ? { outcome, events } : { outcome });
    if (!events) return;
    const subjects = events.map(({ participantId, tag }) => ({ source: SOURCE, scope: tag, participantId }));
    expect(translate(JSON.parse(one.rawBody))).toMatchObject({ events: subjects.map((subject) => ({ subject })) });
  });

  it('means what the dialect says of each event', () => {
    const bodies = new Map<string, object>([
      ['muc-room-created', { event_name: 'muc-room-created', room_name: 'r-42', created_at: 1_790_000_000 }],
      ['muc-occupant-joined', joined()],
      ['muc-occupant-left', left()],
      ['muc-room-destroyed', destroyed([left().occupant])],
    ]);
    expect([...bodies.keys()]).toEqual([...(jitsi.events?.keys() ?? [])]);
    for (const [name, body] of bodies) {
      const translation = translate(body);
      const kind = translation.outcome === 'events' ? translation.events[0]?.kind : translation.outcome;
      expect([name, kind]).toEqual([name, jitsi.events?.get(name)]);
    }
    expect(translate({ event_name: 'muc-occupant-danced' })).toEqual({
      outcome: 'unknown',
      name: 'muc-occupant-danced',
    });
  });

  it('counts an end as left if the source is set so', () => {
    const other = jitsi.create(SOURCE, { ...settings, reasonlessEnd: 'left' });
    for (const body of [left(), destroyed([left().occupant])]) {
      expect(other.translate(body, RECEIVED_AT_MS)).toMatchObject({ events: [{ kind: 'left' }] });
    }
    expect(other.translate(joined(), RECEIVED_AT_MS)).toMatchObject({ events: [{ kind: 'connected' }] });
  });

  it('names the participant by the occupant if it has no id, and takes a number for text', () => {
    for (const id of [undefined, null, '']) {
      expect(translate(joined({ id }))).toMatchObject({ events: [{ subject: { participantId: JID } }] });
    }
    expect(translate(joined({ id: 42 }))).toMatchObject({ events: [{ subject: { participantId: '42' } }] });
  });

  it('does not date an end before its join', () => {
    const early = { left_at: 1_790_000_000 };
    for (const body of [left(early), destroyed([left(early).occupant])]) {
      expect(translate(body)).toMatchObject({ events: [{ occurredAtMs: 1_790_000_001_000 }] });
    }
  });

  it('may be about a room in which nobody is known to have been: in Lua, an empty array looks like an object', () => {
    for (const none of [[], {}]) expect(translate(destroyed(none))).toEqual({ outcome: 'events', events: [] });
  });

  it('may have the longest ids', () => {
    const id = { occupant_jid: `${'j'.repeat(199)}/`, joined_at: 99_999_999_999 };
    const [event] = eventsOf(translate(joined(id, { breakout_room_id: 'b'.repeat(43) })));
    expect(event?.deviceId).toHaveLength(256);
  });

  const hostile = { toString: 1, valueOf: 1 };

  it.each<[string, object, string[]]>([
    ['no name', { event_name: '' }, ['#/event_name']],
    ['a name that is not text', { event_name: ['muc-occupant-left'] }, ['#/event_name']],
    ['no room', joined({}, { room_name: undefined }), ['#/room_name']],
    [
      'a room and a breakout room that are not text',
      joined({}, { room_name: 7, breakout_room_id: hostile }),
      ['#/room_name', '#/breakout_room_id'],
    ],
    ['a breakout room that is too long', joined({}, { breakout_room_id: 'b'.repeat(44) }), ['#/breakout_room_id']],
    [
      'a join without an occupant',
      joined({}, { occupant: undefined }),
      ['#/occupant/occupant_jid', '#/occupant/joined_at'],
    ],
    [
      'a leave with a bad occupant',
      left({}, { occupant: 'alice' }),
      ['#/occupant/occupant_jid', '#/occupant/joined_at', '#/occupant/left_at'],
    ],
    [
      'values of other types',
      left({ occupant_jid: hostile, id: hostile, joined_at: hostile, left_at: hostile }),
      ['#/occupant/occupant_jid', '#/occupant/id', '#/occupant/joined_at', '#/occupant/left_at'],
    ],
    ['a JID that is too long', joined({ occupant_jid: 'j'.repeat(201) }), ['#/occupant/occupant_jid']],
    ['an id that is too long', joined({ id: 'x'.repeat(257) }), ['#/occupant/id']],
    ['a number that JSON cannot hold exactly', joined({ id: 2 ** 53 }), ['#/occupant/id']],
    ['milliseconds', joined({ joined_at: 1_790_000_001_000 }), ['#/occupant/joined_at']],
    ['text for a time', joined({ joined_at: '1790000001' }), ['#/occupant/joined_at']],
    ['a fraction', left({ left_at: 1_790_000_061.5 }), ['#/occupant/left_at']],
    ['a leave without a time', left({ left_at: undefined }), ['#/occupant/left_at']],
    [
      'the end of a room without members',
      destroyed(undefined, { destroyed_at: undefined }),
      ['#/destroyed_at', '#/all_occupants'],
    ],
    ['an object for the occupants', destroyed({ 0: left().occupant }), ['#/all_occupants']],
    [
      'one bad occupant of several',
      destroyed([left().occupant, { ...left().occupant, joined_at: 0 }, null]),
      ['#/all_occupants/1/joined_at', '#/all_occupants/2/occupant_jid', '#/all_occupants/2/joined_at'],
    ],
  ])('is refused if its members are not valid: %s', (_, body, pointers) => {
    expect(pointersOf(translate(body))).toEqual(pointers);
  });

  it('is refused with no more than 20 errors', () => {
    const occupants = Array.from({ length: 500 }, () => ({}));
    expect(pointersOf(translate(destroyed(occupants)))).toHaveLength(20);
  });
});

function eventsOf(translation: Translation) {
  return translation.outcome === 'events' ? translation.events : [];
}

describe('the authenticity of event_sync', () => {
  const header = 'Bearer event-sync-test-token-0000001';

  it('is that of the header that is set, and without one that of the URL', () => {
    expect(source).not.toHaveProperty('authenticate');
    const callbackHeader = jitsi.settings?.callbackHeader?.read(`Authorization: ${header}`);
    const other = jitsi.create(SOURCE, { ...settings, callbackHeader });
    const authenticate = (authorization: string) =>
      other.authenticate?.({ headers: { authorization }, body: Buffer.from('{}'), url: undefined }, RECEIVED_AT_MS);
    expect(authenticate(header)).toEqual({ outcome: 'authentic' });
    expect(authenticate(`${header}x`)).toEqual({ outcome: 'rejected', reason: 'wrong-secret' });
  });
});
