// The authenticity and the meaning of LiveKit's webhooks: recorded cases, and what the official SDK signs, builds and verifies.
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { DisconnectReason, ParticipantInfo_Kind, WebhookEvent } from '@livekit/protocol';
import { SignJWT } from 'jose';
import { AccessToken, WebhookReceiver } from 'livekit-server-sdk';
import type { SourceName } from '../../../src/domain/subject.js';
import { apiKeys } from '../../../src/sources/livekit/livekit-authentication.js';
import { livekit } from '../../../src/sources/livekit/livekit-source.js';
import { bodyCases, documentedEffects, meaningOf, rawCallback, signatureCases } from '../cases.js';

const SOURCE = 'livekit' as SourceName;
const RECEIVED_AT_MS = 1_790_000_200_000;
const DEFAULT_KINDS = new Set(['AGENT', 'EGRESS', 'INGRESS']);

interface Config {
  readonly keys: readonly { readonly apiKey: string; readonly apiSecret: string }[];
}

const sourceWith = ({ keys }: Config, ignoredKinds: ReadonlySet<string> = DEFAULT_KINDS) =>
  livekit.create(SOURCE, { apiKeys: keys.map(({ apiKey: id, apiSecret: secret }) => ({ id, secret })), ignoredKinds });
const source = sourceWith({ keys: [] });
const translate = (body: unknown) => source.translate(body, RECEIVED_AT_MS);

const sha256 = (body: string) => createHash('sha256').update(body).digest('base64');

/** The verdict of the official SDK, which knows one key at a time. */
async function verdictOfSdk({ keys }: Config, body: string, authorization: string | undefined): Promise<string> {
  const verdicts = await Promise.all(
    keys.map(({ apiKey, apiSecret }) =>
      new WebhookReceiver(apiKey, apiSecret).receive(body, authorization).then(
        () => 'accept',
        () => 'reject',
      ),
    ),
  );
  return verdicts.includes('accept') ? 'accept' : 'reject';
}

describe('the signature of LiveKit', () => {
  afterEach(() => void jest.useRealTimers());

  const cases = signatureCases<Config>('livekit');
  it.each(cases.map((one) => [one.name, one] as const))('of the recorded case: %s', async (_, one) => {
    // The SDK reads the time of the system.
    jest.useFakeTimers({ now: one.now, doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'setTimeout'] });
    const ours = await sourceWith(one.config).authenticate?.(rawCallback(one), one.now);
    expect(ours?.outcome).toBe(one.expect === 'accept' ? 'authentic' : 'rejected');
    const [sdk] = one.checkedBy;
    expect(await verdictOfSdk(one.config, one.rawBody, one.headers.authorization)).toBe(sdk?.verdict);
    if (sdk?.verdict === 'reject') expect(one.expect).toBe('reject');
  });

  it('is pinned to HS256, while the SDK accepts HS512, too', () => {
    const laxer = cases.filter((one) => one.expect !== one.checkedBy[0]?.verdict);
    expect(laxer.map(({ name }) => name)).toEqual(['HS512 token with the right secret']);
  });

  const keys = [{ apiKey: 'APIkey', apiSecret: 'a-secret' }];
  const body = '{"event":"room_started"}';
  const authenticate = (authorization: string) =>
    sourceWith({ keys }).authenticate?.(
      { headers: { authorization }, body: Buffer.from(body), url: undefined },
      Date.now(),
    );

  it('is that of the token that the SDK makes now', async () => {
    const token = new AccessToken('APIkey', 'a-secret', { ttl: 300 });
    token.sha256 = sha256(body);
    expect(await authenticate(await token.toJwt())).toEqual({ outcome: 'authentic' });
  });

  it('is refused for the reason that is logged', async () => {
    const sign = (claims: object, header: object = {}, secret = 'a-secret') =>
      new SignJWT({ iss: 'APIkey', sha256: sha256(body), exp: Date.now() / 1_000 + 60, ...claims })
        .setProtectedHeader({ alg: 'HS256', ...header })
        .sign(Buffer.from(secret));
    const valid = await sign({});
    expect(await authenticate(valid)).toEqual({ outcome: 'authentic' });
    const refused: [string, string][] = [
      ['', 'malformed-credentials'],
      ['.', 'malformed-credentials'],
      [`Bearer ${valid}`, 'wrong-signature'],
      [`${valid}.`, 'malformed-credentials'],
      [`${valid}=`, 'wrong-signature'],
      [await sign({}, {}, 'another-secret'), 'wrong-signature'],
      [await sign({ iss: 'APIanother' }), 'wrong-signature'],
      [await sign({ sha256: sha256('another body') }), 'wrong-signature'],
      [await sign({ sha256: 1 }), 'wrong-signature'],
      [await sign({ exp: undefined }), 'malformed-credentials'],
      [await sign({ exp: Date.now() / 1_000 - 11 }), 'outdated-signature'],
      [await sign({ nbf: Date.now() / 1_000 + 60 }), 'outdated-signature'],
      [await sign({}, { crit: ['b64'], b64: true }), 'malformed-credentials'],
    ];
    for (const [authorization, reason] of refused) {
      expect([authorization, await authenticate(authorization)]).toEqual([
        authorization,
        { outcome: 'rejected', reason },
      ]);
    }
  });
});

describe('the body of LiveKit', () => {
  it.each(bodyCases('livekit/bodies').map((one) => [one.name, one] as const))('in the recorded case: %s', (_, one) => {
    const { outcome, events } = one.expect;
    expect(meaningOf(one.rawBody, translate)).toEqual(events ? { outcome, events } : { outcome });
    if (!events) return;
    expect(translate(JSON.parse(one.rawBody))).toMatchObject({
      events: [{ eventId: one.eventId, subject: { source: SOURCE, scope: 'r-42' }, precisionMs: 1 }],
    });
    // The SDK reads the body, so it is one that LiveKit could send.
    expect(WebhookEvent.fromJson(JSON.parse(one.rawBody)).participant?.identity).toBe(events[0]?.participantId);
  });

  /** As the SDK builds it: what has its default value is absent, and 64-bit numbers are strings. */
  const built = (event: string, participant: object = {}, more: object = {}) =>
    JSON.parse(
      new WebhookEvent({
        event,
        id: 'EV_1',
        createdAt: 1_790_000_061n,
        room: { sid: 'RM_1', name: 'support' },
        participant: {
          sid: 'PA_1',
          identity: 'alice',
          joinedAt: 1_790_000_001n,
          joinedAtMs: 1_790_000_001_437n,
          ...participant,
        },
        ...more,
      }).toJsonString(),
    );

  it('means what the documentation says of each event, reason and kind', () => {
    const effects = documentedEffects('livekit.md');
    const effectOf = (body: unknown) => {
      const translation = translate(body);
      return translation.outcome === 'events' ? translation.events[0]?.kind : translation.outcome;
    };
    const events = [...effects.keys()].filter((name) => /^[a-z_*]+$/.test(name));
    expect(events).toHaveLength(13);
    for (const event of events.filter((name) => name !== 'participant_left')) {
      expect([event, effectOf(built(event.replace('*', 'ended')))]).toEqual([event, effects.get(event)]);
    }
    const reasons = namesOf(DisconnectReason).filter((name) => name !== 'UNKNOWN_REASON');
    for (const reason of reasons) {
      const disconnectReason = DisconnectReason[reason as keyof typeof DisconnectReason];
      expect([reason, effectOf(built('participant_left', { disconnectReason }))]).toEqual([
        reason,
        effects.get(reason),
      ]);
    }
    expect(effectOf(built('participant_left'))).toBe('disconnected');
    const unknown = { ...built('participant_left') };
    expect(effectOf({ ...unknown, participant: { ...unknown.participant, disconnectReason: 'NEW' } })).toBe(
      'disconnected',
    );
    for (const kind of namesOf(ParticipantInfo_Kind)) {
      const effect = effectOf(built('participant_joined', { kind: ParticipantInfo_Kind[kind as 'SIP'] }));
      expect([kind, effect]).toEqual([kind, effects.get(kind) === 'counts' ? 'connected' : effects.get(kind)]);
    }
    expect(effects.size).toBe(events.length + reasons.length + namesOf(ParticipantInfo_Kind).length);
  });

  it('has the session of the room as a label, if it is valid', () => {
    const eventOf = (room: object) => {
      const translation = translate({ ...built('participant_joined'), room: { name: 'r-42', ...room } });
      return translation.outcome === 'events' ? translation.events[0] : translation;
    };
    expect(eventOf({ sid: 'RM_hycBMAjmt6Ub' })).toMatchObject({ labels: { session: 'RM_hycBMAjmt6Ub' } });
    expect(eventOf({ sid: 7 })).not.toHaveProperty('labels');
  });

  it('counts the kinds that the setting does not name', () => {
    const all = sourceWith({ keys: [] }, new Set());
    const agent = built('participant_joined', { kind: ParticipantInfo_Kind.AGENT });
    expect(all.translate(agent, RECEIVED_AT_MS).outcome).toBe('events');
    expect(sourceWith({ keys: [] }, new Set(['STANDARD'])).translate(built('participant_joined'), 0).outcome).toBe(
      'ignored',
    );
  });

  it('is dated with the best time that it has, and an end never before the join', () => {
    const timeOf = (body: unknown) => {
      const translation = translate(body);
      return translation.outcome === 'events' ? translation.events[0]?.occurredAtMs : translation;
    };
    const noJoin = { joinedAt: 0n, joinedAtMs: 0n };
    expect(timeOf(built('participant_joined'))).toBe(1_790_000_001_437);
    expect(timeOf(built('participant_joined', { joinedAtMs: 0n }))).toBe(1_790_000_001_000);
    expect(timeOf(built('participant_joined', noJoin))).toBe(1_790_000_061_000);
    expect(timeOf(built('participant_left'))).toBe(1_790_000_061_000);
    expect(timeOf(built('participant_left', noJoin))).toBe(1_790_000_061_000);
    expect(timeOf(built('participant_left', { joinedAt: 0n, joinedAtMs: 1_790_000_061_437n }))).toBe(1_790_000_061_437);
    expect(timeOf(built('participant_left', { joinedAt: 1_790_000_062n, joinedAtMs: 0n }))).toBe(1_790_000_062_000);
  });

  it.each<[string, object, string[]]>([
    ['participant_joined', { room: undefined }, ['#/room/name']],
    ['participant_joined', { room: { name: ['r'] } }, ['#/room/name']],
    ['participant_joined', { participant: undefined }, ['#/participant/identity', '#/participant/sid']],
    ['participant_joined', { participant: 'alice' }, ['#/participant/identity', '#/participant/sid']],
    [
      'participant_joined',
      { participant: { identity: 'a'.repeat(257), sid: 7 } },
      ['#/participant/identity', '#/participant/sid'],
    ],
    [
      'participant_joined',
      { participant: { identity: 'a', sid: 's', joinedAtMs: '1790000001' } },
      ['#/participant/joinedAtMs'],
    ],
    [
      'participant_joined',
      { participant: { identity: 'a', sid: 's', joinedAt: '1790000001437' } },
      ['#/participant/joinedAt'],
    ],
    [
      'participant_joined',
      { participant: { identity: 'a', sid: 's', joinedAtMs: '1e12' } },
      ['#/participant/joinedAtMs'],
    ],
    ['participant_joined', { participant: { identity: 'a', sid: 's' }, createdAt: {} }, ['#/createdAt']],
    ['participant_left', { createdAt: '0' }, ['#/createdAt']],
    ['participant_left', { createdAt: -1 }, ['#/createdAt']],
    ['participant_left', { id: '' }, ['#/id']],
    ['', {}, ['#/event']],
  ])('is refused if its members are not valid: %s %j', (event, more, pointers) => {
    const translation = translate({ ...built(event), event, ...more });
    expect(translation).toMatchObject({ outcome: 'invalid' });
    expect(translation.outcome === 'invalid' && translation.errors.map(({ pointer }) => pointer)).toEqual(pointers);
  });
});

describe('the API keys of LiveKit', () => {
  it('are pairs of a key and its secret', () => {
    expect(apiKeys.read('APIa:s1, APIb:s2:x')).toEqual([
      { id: 'APIa', secret: 's1' },
      { id: 'APIb', secret: 's2:x' },
    ]);
  });

  it.each(['', 'APIa', 'APIa:', ':hidden', 'APIa:hidden,', 'APIa:hid den'])(
    'are refused without telling them: %s',
    (text) => {
      expect(() => apiKeys.read(text)).toThrow(/^must be a comma-separated list of key:secret$/);
    },
  );
});

function namesOf(enumeration: object): string[] {
  return Object.values(enumeration).filter((value): value is string => typeof value === 'string');
}
