// The authenticity and the meaning of RealtimeKit's webhooks, by recorded cases. There is no library that signs or verifies them.
import { describe, expect, it } from '@jest/globals';
import type { SourceName } from '../../../src/domain/subject.js';
import { publicKeys } from '../../../src/sources/realtimekit/realtimekit-authentication.js';
import { realtimekit } from '../../../src/sources/realtimekit/realtimekit-source.js';
import { bodyCases, meaningOf, rawCallback, signatureCases } from '../cases.js';

const SOURCE = 'realtimekit' as SourceName;
const RECEIVED_AT_MS = 1_790_000_500_000;

const sourceWith = (pem: string, reasonlessEnd: 'disconnected' | 'left' = 'disconnected') =>
  realtimekit.create(SOURCE, { publicKeys: pem === '' ? [] : publicKeys.read(pem), reasonlessEnd });
const source = sourceWith('');
const translate = (body: unknown) => source.translate(body, RECEIVED_AT_MS);

describe('the signature of RealtimeKit', () => {
  const cases = signatureCases<{ readonly publicKeys: readonly string[] }>('realtimekit');
  const [valid] = cases;
  if (!valid) throw new Error('there are no cases');
  const authenticate = (one: (typeof cases)[number]) =>
    sourceWith(one.config.publicKeys.join('')).authenticate?.(rawCallback(one), one.now);

  it.each(cases.map((one) => [one.name, one] as const))('of the recorded case: %s', async (_, one) => {
    expect((await authenticate(one))?.outcome).toBe(one.expect === 'accept' ? 'authentic' : 'rejected');
  });

  it('is refused for the reason that is logged', async () => {
    const { 'rtk-signature': signature = '', ...others } = valid.headers;
    expect(await authenticate({ ...valid, headers: others })).toEqual({
      outcome: 'rejected',
      reason: 'no-credentials',
    });
    for (const headers of [
      { 'rtk-signature': 'x' },
      { 'rtk-signature': Buffer.from(signature, 'base64').toString('hex') },
    ]) {
      expect(await authenticate({ ...valid, headers })).toEqual({ outcome: 'rejected', reason: 'wrong-signature' });
    }
    // The header of before RealtimeKit got its name.
    expect((await authenticate({ ...valid, headers: { 'dyte-signature': signature } }))?.outcome).toBe('rejected');
  });

  it('needs public keys in PEM', () => {
    expect(publicKeys.read(valid.config.publicKeys.join(''))).toHaveLength(1);
    for (const text of ['', 'https://api.realtime.cloudflare.com/.well-known/webhooks.json']) {
      expect(() => publicKeys.read(text)).toThrow(/^must be one or several RSA keys of at least 2048 bits in PEM$/);
    }
  });
});

describe('the body of RealtimeKit', () => {
  it.each(bodyCases('realtimekit/bodies').map((one) => [one.name, one] as const))(
    'in the recorded case: %s',
    (_, one) => {
      const { outcome, events } = one.expect;
      expect(meaningOf(one.rawBody, translate)).toEqual(events ? { outcome, events } : { outcome });
      const [event] = events ?? [];
      if (event?.tag === undefined) return;
      const subject = { source: SOURCE, scope: event.tag };
      expect(translate(JSON.parse(one.rawBody))).toMatchObject({ events: [{ subject, precisionMs: 1 }] });
    },
  );

  const body = (
    event: string,
    { meeting = {}, participant = {} }: { meeting?: object; participant?: object } = {},
  ) => ({
    event,
    meeting: { id: 'm-1', endedAt: '2026-09-21T14:20:01.000Z', ...meeting },
    participant: {
      peerId: 'p-1',
      customParticipantId: 'alice',
      joinedAt: '2026-09-21T14:13:21.437Z',
      leftAt: '2026-09-21T14:14:21.655Z',
      ...participant,
    },
  });

  it('means what the dialect says of each event', () => {
    expect(realtimekit.events?.size).toBe(9);
    for (const [name, meaning] of realtimekit.events ?? []) {
      const translation = translate(body(name));
      const found = translation.outcome === 'events' ? translation.events[0]?.kind : translation.outcome;
      expect([name, found]).toEqual([name, meaning]);
    }
    expect(translate(body('meeting.teleported'))).toEqual({ outcome: 'unknown', name: 'meeting.teleported' });
    const left = sourceWith('', 'left').translate(body('meeting.participantLeft'), RECEIVED_AT_MS);
    expect(left).toMatchObject({ events: [{ kind: 'left' }] });
  });

  it('dates an end never before the join that it names', () => {
    const translation = translate(body('meeting.participantLeft', { participant: { leftAt: '2026-09-21T14:13:21Z' } }));
    expect(translation).toMatchObject({ events: [{ occurredAtMs: 1_790_000_001_437 }] });
  });

  it.each<[object, string[]]>([
    [body(''), ['#/event']],
    [{ ...body('meeting.ended'), event: ['meeting.ended'] }, ['#/event']],
    [
      { event: 'meeting.participantJoined' },
      ['#/meeting/id', '#/participant/customParticipantId', '#/participant/peerId', '#/participant/joinedAt'],
    ],
    [
      { ...body('meeting.participantJoined'), meeting: 'm-1', participant: [] },
      ['#/meeting/id', '#/participant/customParticipantId', '#/participant/peerId', '#/participant/joinedAt'],
    ],
    [body('meeting.participantJoined', { meeting: { id: 7 } }), ['#/meeting/id']],
    [
      body('meeting.participantJoined', { participant: { customParticipantId: ['alice'], peerId: '' } }),
      ['#/participant/customParticipantId', '#/participant/peerId'],
    ],
    [
      body('meeting.participantJoined', { participant: { joinedAt: '0001-01-01T00:00:00Z' } }),
      ['#/participant/joinedAt'],
    ],
    [body('meeting.participantJoined', { participant: { joinedAt: 1_790_000_001_437 } }), ['#/participant/joinedAt']],
    [body('meeting.participantLeft', { participant: { leftAt: undefined } }), ['#/participant/leftAt']],
    [body('meeting.participantLeft', { participant: { leftAt: '2026-02-30T00:00:00Z' } }), ['#/participant/leftAt']],
    [body('meeting.ended', { meeting: { id: '', endedAt: null } }), ['#/meeting/id', '#/meeting/endedAt']],
  ])('is refused if its members are not valid: %j', (value, pointers) => {
    const translation = translate(value);
    expect(translation.outcome === 'invalid' && translation.errors.map(({ pointer }) => pointer)).toEqual(pointers);
  });
});
