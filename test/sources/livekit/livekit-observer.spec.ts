// What LiveKit's room service says of who is in which room.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ParticipantInfo_Kind, ParticipantInfo_State } from '@livekit/protocol';
import type { ParticipantId, SourceName } from '../../../src/domain/subject.js';
import { livekit } from '../../../src/sources/livekit/livekit-source.js';
import type { ListedParticipant, Observer } from '../../../src/sources/observer.js';
import { KEY, participant, RoomService } from './room-service.js';

const { signal } = new AbortController();
const in1 = (participantId: string) => ({ scope: 'r-1', participantId, tag: 'r-1' });
const joining = participant('joining', { state: ParticipantInfo_State.JOINING, joinedAt: 0n, joinedAtMs: 0n });

describe('the observer of LiveKit', () => {
  let service: RoomService;
  let observer: Observer;
  beforeEach(async () => {
    service = new RoomService();
    const apiUrl = await service.start();
    const ignoredKinds = new Set(['AGENT']);
    const source = livekit.create('livekit' as SourceName, { apiKeys: [KEY], ignoredKinds, apiUrl });
    observer = source.observer as Observer;
  });
  afterEach(() => service.stop());

  const listed = async () => {
    const all: ListedParticipant[] = [];
    for await (const page of observer.list?.(signal) ?? []) all.push(...page);
    return all;
  };
  const find = (identity: string, room = 'r-1') =>
    observer.find({ scope: room, participantId: identity as ParticipantId }, signal);

  it('lists the participants of all rooms, with the join of each', async () => {
    service.rooms = { 'r-1': [participant('ann'), participant('bob')], 'r-2': [participant('ann', { sid: 'PA_2' })] };
    const joined = (scope: string, participantId: string, deviceId: string) => ({
      scope,
      participantId,
      tag: scope,
      devices: [{ deviceId, connectedAtMs: 1_790_000_000_250 }],
    });
    expect(await listed()).toEqual([
      joined('r-1', 'ann', 'PA_ann'),
      joined('r-1', 'bob', 'PA_bob'),
      joined('r-2', 'ann', 'PA_2'),
    ]);
  });

  it.each(['snake_case', 'camelCase'] as const)(
    'knows when each joined, by a server that writes %s',
    async (spelling) => {
      service.spelling = spelling;
      service.rooms = { 'r-1': [participant('ann'), participant('old', { joinedAtMs: 0n }), joining] };
      expect(await listed()).toEqual([
        { ...in1('ann'), devices: [{ deviceId: 'PA_ann', connectedAtMs: 1_790_000_000_250 }] },
        { ...in1('old'), devices: [{ deviceId: 'PA_old', connectedAtMs: 1_790_000_000_000 }] },
        in1('joining'),
      ]);
      expect(await find('ann')).toMatchObject({ devices: [{ connectedAtMs: 1_790_000_000_250 }] });
    },
  );

  it.each(['snake_case', 'camelCase'] as const)('lists nobody if there are no rooms, in %s', async (spelling) => {
    service.spelling = spelling;
    expect(await listed()).toEqual([]);
  });

  it('lists all of many rooms', async () => {
    service.rooms = Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`r-${n}`, [participant(`p-${n}`)]]));
    expect(await listed()).toHaveLength(11);
  });

  it('leaves out kinds that do not count, those who have left, and ids that no webhook could have', async () => {
    service.rooms = {
      'r-1': [
        participant('agent', { kind: ParticipantInfo_Kind.AGENT }),
        participant('gone', { state: ParticipantInfo_State.DISCONNECTED }),
        participant('x'.repeat(300)),
        participant('caller', { kind: ParticipantInfo_Kind.SIP, joinedAtMs: 0n }),
      ],
    };
    expect(await listed()).toMatchObject([
      { participantId: 'caller', devices: [{ connectedAtMs: 1_790_000_000_000 }] },
    ]);
  });

  it('names no device of somebody who is not active yet', async () => {
    service.rooms = { 'r-1': [participant('ann', { state: ParticipantInfo_State.JOINED })] };
    expect(await listed()).toEqual([{ scope: 'r-1', participantId: 'ann', tag: 'r-1' }]);
    expect(await find('ann')).toEqual({ outcome: 'unknown' });
  });

  it('finds one participant', async () => {
    service.rooms = { 'r-1': [participant('ann')] };
    expect(await find('ann')).toMatchObject({ outcome: 'present', devices: [{ deviceId: 'PA_ann' }], tag: 'r-1' });
    expect(await find('bob')).toEqual({ outcome: 'absent' });
    expect(await find('ann', 'r-2')).toEqual({ outcome: 'absent' });
  });

  it('takes the 404 of something else, and what is not an answer of the room service, for a failure', async () => {
    for (const fault of [
      { status: 404, body: '{"code":"bad_route"}' },
      { status: 200, body: '[]' },
      { status: 200, body: '{"rooms":{}}' },
    ]) {
      service.fault = fault;
      await expect(listed()).rejects.toMatchObject({ fault: 'not-understood' });
    }
  });

  it('has its URL also in the form for clients, and is not there without one', () => {
    const { apiUrl } = livekit.settings ?? {};
    expect(apiUrl?.read('wss://acme.livekit.cloud/')).toBe('https://acme.livekit.cloud');
    expect(() => apiUrl?.read('acme.livekit.cloud')).toThrow('must be a URL');
    expect(() => apiUrl?.read('https://user:secret@acme.livekit.cloud')).toThrow(/^(?!.*secret)/);
    const source = livekit.create('livekit' as SourceName, { apiKeys: [KEY], ignoredKinds: new Set() });
    expect(source.observer).toBeUndefined();
  });
});
