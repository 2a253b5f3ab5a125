// Who was present at a time, as returned by REST.
import type { Selectable } from 'kysely';
import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';
import {
  DEVICE_ID_EXAMPLE,
  PARTICIPANT_ID_EXAMPLE,
  PAST_PRESENCE_CURSOR_EXAMPLE,
  TAG_EXAMPLE,
  TIME_EXAMPLE,
} from '../../http/openapi/examples.js';
import { ScopeProperty } from '../../http/query-parameters.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import type { ConnectionRow } from '../tables.js';

const AT_EXAMPLE = '2021-08-12T16:40:00.000Z';
/** Nobody who is gone is present. */
const STATES = ['connected', 'reconnecting'] as const;
type State = (typeof STATES)[number];

const StateProperty = () =>
  ApiProperty({
    enum: STATES,
    example: 'connected',
    description: '`reconnecting`: interrupted at that time, and not back yet.',
  });

class PastDeviceResponse {
  @ApiProperty({ example: DEVICE_ID_EXAMPLE })
  deviceId: string;

  @StateProperty()
  state: State;

  @ApiProperty({
    format: 'date-time',
    example: TIME_EXAMPLE,
    description: 'The earliest time at which its connection is known to have been open.',
  })
  startedAt: string;

  @ApiProperty({
    type: String,
    nullable: true,
    format: 'date-time',
    example: TIME_EXAMPLE,
    description: 'When its connection began; null if no connect event was received.',
  })
  connectedAt: string | null;
}

class PastParticipantResponse {
  @ApiProperty({ example: PARTICIPANT_ID_EXAMPLE })
  participantId: string;

  @ApiProperty({ example: 'bandwidth' })
  source: string;

  @ScopeProperty()
  scope?: string;

  @ApiPropertyOptional({
    type: String,
    example: TAG_EXAMPLE,
    description: 'The tag when its newest connection of that time ended, or now.',
  })
  tag?: string;

  @StateProperty()
  state: State;

  @ApiProperty({ type: [PastDeviceResponse], description: 'Only those that were present, by `startedAt`.' })
  devices: PastDeviceResponse[];
}

export class PastPresenceResponse {
  @ApiProperty({ type: [PastParticipantResponse], description: 'By the `startedAt` of their first device.' })
  items: PastParticipantResponse[];

  @ApiPropertyOptional({
    type: String,
    example: PAST_PRESENCE_CURSOR_EXAMPLE,
    description:
      'Pass it as `cursor` to get the next page; absent on the last one. A page may have fewer items than `limit`.',
  })
  nextCursor?: string;

  @ApiProperty({ format: 'date-time', example: AT_EXAMPLE })
  at: string;

  @ApiProperty({
    type: Boolean,
    example: true,
    description: 'false if somebody may be missing: changes could not be read.',
  })
  complete: boolean;
}

export const PAST_PRESENCE_EXAMPLE: PastPresenceResponse = {
  items: [
    {
      participantId: PARTICIPANT_ID_EXAMPLE,
      source: 'bandwidth',
      tag: TAG_EXAMPLE,
      state: 'connected',
      devices: [
        { deviceId: DEVICE_ID_EXAMPLE, state: 'connected', startedAt: TIME_EXAMPLE, connectedAt: TIME_EXAMPLE },
      ],
    },
  ],
  at: AT_EXAMPLE,
  complete: true,
};

/** `rows`: the connections of one participant that were open at that time. */
export function pastParticipant(rows: readonly Selectable<ConnectionRow>[], atMs: number): PastParticipantResponse {
  const [newest] = rows.toSorted((a, b) => b.version - a.version) as [Selectable<ConnectionRow>];
  const { participant_id: participantId, source, scope, tag } = newest;
  // A connection that expired may have ended after the next one of the device began.
  const latest = new Map(rows.map((row) => [row.device_id, row]));
  const shown = rows.filter((row) => latest.get(row.device_id) === row);
  const devices = shown.map((row): PastDeviceResponse => {
    const { device_id: deviceId, started_at_ms, connected_at_ms: connectedAtMs } = row;
    const connectedAt = connectedAtMs === null ? null : rfc3339(connectedAtMs);
    return { deviceId, state: stateOf(row, atMs), startedAt: rfc3339(started_at_ms), connectedAt };
  });
  const state = devices.some((device) => device.state === 'connected') ? 'connected' : 'reconnecting';
  return {
    participantId,
    source,
    ...(scope !== '' && { scope }),
    ...(tag !== null && { tag }),
    state,
    devices,
  };
}

/** Of interruptions, only the present one has a time. */
function stateOf({ lost_at_ms }: Selectable<ConnectionRow>, atMs: number): State {
  return lost_at_ms !== null && lost_at_ms <= atMs ? 'reconnecting' : 'connected';
}
