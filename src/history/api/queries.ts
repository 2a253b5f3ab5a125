// Query parameters for connections.
import { Transform } from 'class-transformer';
import { IsBoolean, IsIn, IsOptional } from 'class-validator';
import { GONE_CAUSES, type GoneCause } from '../../domain/connection.js';
import { MAX_IDENTIFIER_LENGTH } from '../../domain/identifier.js';
import { ApiPropertyOptional } from '../../http/openapi/decorators.js';
import {
  CONNECTIONS_CURSOR_EXAMPLE,
  DEVICE_ID_EXAMPLE,
  PAST_PRESENCE_CURSOR_EXAMPLE,
} from '../../http/openapi/examples.js';
import {
  Cursor,
  Identifier,
  Limit,
  ParticipantIdParameter,
  RequiredTime,
  Scope,
  SourceParameter,
  Tag,
  Time,
} from '../../http/query-parameters.js';
import type { Order } from '../connections.js';

const ORDERS: readonly Order[] = ['newest', 'oldest'];

export class ParticipantConnectionsQuery {
  @ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: MAX_IDENTIFIER_LENGTH,
    example: DEVICE_ID_EXAMPLE,
    description: 'Only connections of this device.',
  })
  @IsOptional()
  @Identifier()
  deviceId?: string;

  @Tag()
  tag?: string;

  @SourceParameter('Only connections of this source.')
  source?: string;

  @Scope()
  scope?: string;

  @Time('2021-08-12T16:00:00Z', 'Only connections that were open at this time or later.')
  from?: string;

  @Time('2021-08-12T17:00:00Z', 'Only connections that began before this time; at most 366 days after `from`.')
  to?: string;

  @ApiPropertyOptional({
    type: String,
    enum: GONE_CAUSES,
    example: 'left',
    description: 'Only connections that ended for this reason.',
  })
  @IsOptional()
  @IsIn(GONE_CAUSES, { message: `must be one of ${GONE_CAUSES.join(', ')}` })
  cause?: GoneCause;

  @ApiPropertyOptional({ type: Boolean, example: false, description: 'Only connections that are, or are not, open.' })
  @IsOptional()
  @Transform(({ value }) => (value === 'true' || value === 'false' ? value === 'true' : value))
  @IsBoolean({ message: 'must be true or false' })
  open?: boolean;

  @ApiPropertyOptional({
    enum: ORDERS,
    default: 'newest',
    example: 'newest',
    description: 'Whether the connection that began last or first is the first one.',
  })
  @IsIn(ORDERS, { message: `must be ${ORDERS.join(' or ')}` })
  order: Order = 'newest';

  /** 100, unless all are streamed as CSV. */
  @IsOptional()
  @Limit()
  limit?: number;

  @Cursor(CONNECTIONS_CURSOR_EXAMPLE)
  cursor?: string;
}

export class PresenceQuery {
  @RequiredTime('2021-08-12T16:40:00Z', 'The time. Not in the future, and not before the beginning of history.')
  at: string;

  @Tag()
  tag?: string;

  @SourceParameter('Only participants of this source.')
  source?: string;

  @Scope()
  scope?: string;

  @Limit()
  limit: number = 100;

  @Cursor(PAST_PRESENCE_CURSOR_EXAMPLE)
  cursor?: string;
}

export class ConnectionsQuery extends ParticipantConnectionsQuery {
  @ParticipantIdParameter('Only connections of participants with this id, in all sources and scopes.')
  participantId?: string;
}
