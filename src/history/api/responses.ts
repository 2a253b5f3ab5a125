// A connection as returned by REST.
import { applyDecorators } from '@nestjs/common';
import type { Selectable } from 'kysely';
import { GONE_CAUSES, type GoneCause } from '../../domain/connection.js';
import { ApiExtraModels, ApiOkResponse, ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';
import {
  CONNECTIONS_CURSOR_EXAMPLE,
  DEVICE_ID_EXAMPLE,
  PARTICIPANT_ID_EXAMPLE,
  TAG_EXAMPLE,
  TIME_EXAMPLE,
} from '../../http/openapi/examples.js';
import { ScopeProperty } from '../../http/query-parameters.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import type { ConnectionRow } from '../tables.js';

const END_EXAMPLE = '2021-08-12T16:47:14.676Z';

class ConnectionResponse {
  @ApiProperty({ example: PARTICIPANT_ID_EXAMPLE })
  participantId: string;

  @ApiProperty({ example: DEVICE_ID_EXAMPLE })
  deviceId: string;

  @ApiProperty({ example: 'bandwidth' })
  source: string;

  @ScopeProperty()
  scope?: string;

  @ApiPropertyOptional({
    type: String,
    example: TAG_EXAMPLE,
    description: 'The tag of the participant when the connection ended, or now.',
  })
  tag?: string;

  @ApiProperty({
    format: 'date-time',
    example: TIME_EXAMPLE,
    description: 'The earliest time at which it is known to have been open.',
  })
  startedAt: string;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    example: TIME_EXAMPLE,
    description: 'When it began; null if no connect event was received.',
  })
  connectedAt: string | null;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    example: END_EXAMPLE,
    description: 'null while it is open.',
  })
  endedAt: string | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    example: 600_000,
    description: 'From `startedAt` to `endedAt`; null while it is open.',
  })
  durationMs: number | null;

  @ApiPropertyOptional({
    type: String,
    enum: GONE_CAUSES,
    example: 'left',
    description: 'Why it ended, as in ParticipantResponse; absent while it is open.',
  })
  cause?: GoneCause;

  @ApiProperty({
    type: 'integer',
    example: 0,
    description: 'How often it was lost, and back within the grace period.',
  })
  interruptions: number;
}

class ConnectionsResponse {
  @ApiProperty({ type: [ConnectionResponse] })
  items: ConnectionResponse[];

  @ApiPropertyOptional({
    type: String,
    example: CONNECTIONS_CURSOR_EXAMPLE,
    description: 'Pass it as `cursor` to get the next page; absent on the last one.',
  })
  nextCursor?: string;

  @ApiProperty({
    type: Boolean,
    example: true,
    description:
      'false if connections may be missing: the range begins before what is kept, or changes within it could not be read.',
  })
  complete: boolean;
}

const CONNECTIONS_EXAMPLE: ConnectionsResponse = {
  items: [
    {
      participantId: PARTICIPANT_ID_EXAMPLE,
      deviceId: DEVICE_ID_EXAMPLE,
      source: 'bandwidth',
      tag: TAG_EXAMPLE,
      startedAt: TIME_EXAMPLE,
      connectedAt: TIME_EXAMPLE,
      endedAt: END_EXAMPLE,
      durationMs: 600_000,
      cause: 'left',
      interruptions: 0,
    },
  ],
  complete: true,
};

const CSV_EXAMPLE =
  'participantId,deviceId,source,scope,tag,startedAt,connectedAt,endedAt,durationMs,cause,interruptions\r\n' +
  `${PARTICIPANT_ID_EXAMPLE},${DEVICE_ID_EXAMPLE},bandwidth,,${TAG_EXAMPLE},${TIME_EXAMPLE},${TIME_EXAMPLE},${END_EXAMPLE},600000,left,0\r\n`;

/** The successful response, in both formats. */
export const ApiConnections = () =>
  applyDecorators(
    ApiExtraModels(ConnectionsResponse),
    ApiOkResponse({
      description:
        'One page of connections; or all of them as CSV (RFC 4180). In CSV, a text that begins with =, +, -, @, a tab or a carriage ' +
        'return is preceded by an apostrophe, so that no spreadsheet takes it for a formula.',
      headers: {
        'rollcall-complete': {
          description: 'With CSV only: `complete`.',
          schema: { type: 'string', enum: ['true', 'false'], example: 'true' },
        },
      },
      content: {
        'application/json': {
          schema: { $ref: '#/components/schemas/ConnectionsResponse' },
          example: CONNECTIONS_EXAMPLE,
        },
        'text/csv': { schema: { type: 'string' }, example: CSV_EXAMPLE },
      },
    }),
  );

export function connectionResponse(row: Selectable<ConnectionRow>): ConnectionResponse {
  const { scope, tag, cause, connected_at_ms, started_at_ms, ended_at_ms } = row;
  const timeOf = (ms: number | null) => (ms === null ? null : rfc3339(ms));
  return {
    participantId: row.participant_id,
    deviceId: row.device_id,
    source: row.source,
    ...(scope !== '' && { scope }),
    ...(tag !== null && { tag }),
    startedAt: rfc3339(started_at_ms),
    connectedAt: timeOf(connected_at_ms),
    endedAt: timeOf(ended_at_ms),
    durationMs: ended_at_ms === null ? null : ended_at_ms - started_at_ms,
    ...(cause !== null && { cause }),
    interruptions: row.interruptions,
  };
}
