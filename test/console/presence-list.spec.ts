// The list that the console keeps from one list of the API and the changes after its position.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Change, ParticipantResponse, State } from '../../console/api/types.js';
import { PresenceList } from '../../console/presence/presence-list.js';

const AT = '2026-11-23T09:30:00.000Z';
const BASE = { source: 'bandwidth', position: 'p', at: AT, receivedAt: AT, since: AT, previousState: null } as const;

function ofParticipant(participantId: string, state: State, version: number, tag?: string): Change {
  return { ...BASE, type: `participant.${state}`, participantId, state, version, ...(tag !== undefined && { tag }) };
}

function ofDevice(participantId: string, state: State, version: number, interruptions = 0): Change {
  return { ...BASE, type: `device.${state}`, participantId, deviceId: 'd', state, version, interruptions };
}

function listed(participantId: string, version: number, tag?: string): ParticipantResponse {
  return {
    participantId,
    source: 'bandwidth',
    state: 'connected',
    since: AT,
    ...(tag !== undefined && { tag }),
    availability: 'unknown',
    devices: [{ deviceId: 'd', state: 'connected', since: AT, connectedAt: AT, interruptions: 0 }],
    lastEventAt: AT,
    version,
  };
}

const stateOf = (list: PresenceList) =>
  [...list.tags]
    .sort()
    .map((tag) => [
      tag,
      [...list.membersOf(tag)]
        .map(({ participantId, state, version, devices }) => ({ participantId, state, version, devices }))
        .sort((a, b) => (a.participantId < b.participantId ? -1 : 1)),
    ]);

describe('the list of who is present', () => {
  it('adds, changes and removes participants with their devices', () => {
    const list = PresenceList.of([listed('alice', 3, 'room')]);
    list.apply(ofDevice('bob', 'connected', 1));
    list.apply(ofParticipant('bob', 'connected', 1, 'room'));
    expect(list.totals).toEqual({ connected: 2, reconnecting: 0, devices: 2, tags: 1 });
    list.apply(ofDevice('alice', 'reconnecting', 4));
    list.apply(ofParticipant('alice', 'reconnecting', 4, 'room'));
    expect(list.totals).toEqual({ connected: 1, reconnecting: 1, devices: 2, tags: 1 });
    list.apply(ofDevice('alice', 'connected', 5, 1));
    list.apply(ofParticipant('alice', 'connected', 5, 'other'));
    expect(list.totals).toEqual({ connected: 2, reconnecting: 0, devices: 2, tags: 2 });
    expect([...list.membersOf('other')][0]?.devices).toEqual([
      { deviceId: 'd', state: 'connected', interruptions: 1, version: 5 },
    ]);
    list.apply(ofDevice('alice', 'gone', 6));
    list.apply(ofParticipant('alice', 'gone', 6, 'other'));
    expect(list.totals).toEqual({ connected: 1, reconnecting: 0, devices: 1, tags: 1 });
  });

  it('ignores changes that the list has already', () => {
    const list = PresenceList.of([listed('alice', 7)]);
    for (const change of [
      ofDevice('alice', 'gone', 5),
      ofParticipant('alice', 'gone', 5),
      ofDevice('alice', 'connected', 7),
      ofParticipant('alice', 'connected', 7),
    ]) {
      list.apply(change);
    }
    expect(stateOf(list)).toEqual(stateOf(PresenceList.of([listed('alice', 7)])));
  });

  it('keeps sources and scopes apart', () => {
    const list = PresenceList.of([listed('alice', 1), { ...listed('alice', 1), source: 'livekit', scope: 'r1' }]);
    list.apply(ofParticipant('alice', 'gone', 2));
    expect([...list.membersOf('')].map(({ source, scope }) => [source, scope])).toEqual([['livekit', 'r1']]);
  });

  it('is the same wherever among the changes the list was read, and however often a change is repeated', () => {
    const step = fc.tuple(
      fc.constantFrom('a', 'b', 'c'),
      fc.constantFrom<State>('connected', 'reconnecting', 'gone'),
      fc.constantFrom('room', 'hall', undefined),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.nat(), fc.nat(), (steps, cutAt, overlapBy) => {
        const commits = steps.map(([id, state, tag], n) => [
          ofDevice(id, state, n + 1),
          ofParticipant(id, state, n + 1, tag),
        ]);
        const whole = new PresenceList();
        for (const change of commits.flat()) whole.apply(change);
        const cut = steps.length === 0 ? 0 : cutAt % (steps.length + 1);
        const before = new PresenceList();
        for (const change of commits.slice(0, cut).flat()) before.apply(change);
        const resumed = PresenceList.of(
          [...before.tags].flatMap((tag) =>
            [...before.membersOf(tag)].map((member) => ({
              ...listed(member.participantId, member.version, member.tag || undefined),
              state: member.state,
              devices: member.devices.map(({ state }) => ({
                deviceId: 'd',
                state,
                since: AT,
                connectedAt: AT,
                interruptions: 0,
              })),
            })),
          ),
        );
        for (const change of commits.slice(cut - (overlapBy % (cut + 1))).flat()) resumed.apply(change);
        expect(stateOf(resumed)).toEqual(stateOf(whole));
        expect(resumed.totals).toEqual(whole.totals);
      }),
    );
  });
});
