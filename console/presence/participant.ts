// A participant as the console keeps it. Times are numbers: they are compared, and shown anew every second.
import type {
  Change,
  DeviceResponse,
  ParticipantResponse,
  PastParticipant,
  PresentState,
  SubjectMembers,
} from '../api/types.js';

export interface Device {
  readonly deviceId: string;
  readonly state: PresentState;
  readonly interruptions: number;
  readonly version: number;
}

export interface Participant extends SubjectMembers {
  readonly key: string;
  readonly state: PresentState;
  readonly sinceMs: number;
  /** '': none. */
  readonly tag: string;
  readonly participantRef?: string;
  readonly availability: string;
  readonly isDoubtful: boolean;
  readonly devices: readonly Device[];
  readonly version: number;
}

export function keyOf({ source, scope, participantId }: SubjectMembers): string {
  return JSON.stringify([source, scope ?? '', participantId]);
}

export function isPresent(state: string): state is PresentState {
  return state === 'connected' || state === 'reconnecting';
}

export function fromList(item: ParticipantResponse): Participant {
  const { version } = item;
  return participantOf(
    item,
    item.devices.flatMap((device) => presentDevice(device, version)),
  );
}

export function fromPast(item: PastParticipant): Participant {
  const { participantId, source, scope, tag = '', state, devices } = item;
  return {
    key: keyOf(item),
    participantId,
    source,
    ...(scope !== undefined && { scope }),
    tag,
    state,
    sinceMs: Math.min(...devices.map(({ startedAt }) => Date.parse(startedAt))),
    availability: 'unknown',
    isDoubtful: false,
    devices: devices.map(({ deviceId, state }) => ({ deviceId, state, interruptions: 0, version: 0 })),
    version: 0,
  };
}

/** Of a change or a list item about a participant that is present. */
export function participantOf(item: Change | ParticipantResponse, devices: readonly Device[]): Participant {
  const { participantId, source, scope, state, since, tag = '', participantRef, availability = 'unknown' } = item;
  return {
    key: keyOf(item),
    participantId,
    source,
    ...(scope !== undefined && { scope }),
    ...(participantRef !== undefined && { participantRef }),
    state: state as PresentState,
    sinceMs: Date.parse(since),
    tag,
    availability,
    isDoubtful: item.doubtful === true,
    devices,
    version: item.version,
  };
}

function presentDevice({ deviceId, state, interruptions }: DeviceResponse, version: number): Device[] {
  return isPresent(state) ? [{ deviceId, state, interruptions, version }] : [];
}
