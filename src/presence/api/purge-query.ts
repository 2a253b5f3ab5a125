// Query parameters and response of a purge.
import { Transform } from 'class-transformer';
import { IsBoolean } from 'class-validator';
import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';
import { PURGE_CURSOR_EXAMPLE } from '../../http/openapi/examples.js';
import { Cursor, Scope, Source, Tag, Time } from '../../http/query-parameters.js';

export class PurgeQuery {
  @Tag()
  tag?: string;

  @Source()
  source?: string;

  @Scope()
  scope?: string;

  @Time('2026-11-23T09:00:00Z', 'Only participants whose last event was received at this time or later.')
  since?: string;

  @Time('2026-11-23T09:30:00Z', 'Only participants whose last event was received before this time.')
  until?: string;

  @ApiPropertyOptional({
    type: Boolean,
    default: false,
    example: true,
    description: 'Count the participants that match without purging them.',
  })
  @Transform(({ value }) => ({ true: true, false: false })[String(value)])
  @IsBoolean({ message: 'must be true or false' })
  dryRun: boolean = false;

  @Cursor(PURGE_CURSOR_EXAMPLE, '`nextCursor` of the previous response. The filters must be the same.')
  cursor?: string;
}

export class PurgeResponse {
  @ApiProperty({ type: 'integer', example: 812, description: 'Participants that matched.' })
  matched: number;

  @ApiProperty({
    type: 'integer',
    example: 812,
    description: 'Participants that were purged: fewer than `matched` if some changed meanwhile, 0 in a dry run.',
  })
  purged: number;

  @ApiPropertyOptional({
    type: String,
    example: PURGE_CURSOR_EXAMPLE,
    description: 'There are more participants to examine: repeat the request with this `cursor`.',
  })
  nextCursor?: string;
}
