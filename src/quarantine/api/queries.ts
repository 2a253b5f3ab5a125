// Query parameters and request bodies for quarantined callbacks.
import { applyDecorators } from '@nestjs/common';
import { IsIn, IsString } from 'class-validator';
import { ApiPropertyOptional } from '../../http/openapi/decorators.js';
import { Cursor, Limit, Optional, SourceParameter, Time } from '../../http/query-parameters.js';
import { QUARANTINE_REASONS } from '../reasons.js';

export const ID_EXAMPLE = '019ac0f3b2c1-9f86d081884c7d65';

const Reason = () =>
  applyDecorators(
    ApiPropertyOptional({
      type: String,
      enum: QUARANTINE_REASONS,
      example: 'unknown-event',
      description: 'Only callbacks refused for this reason.',
    }),
    Optional(),
    IsIn(QUARANTINE_REASONS, { message: `must be one of ${QUARANTINE_REASONS.join(', ')}` }),
  );

const Source = () => SourceParameter('Only callbacks of this source.');
const Since = () => Time('2026-11-23T09:00:00Z', 'Only callbacks received at this time or later.');
const Until = () => Time('2026-11-23T09:30:00Z', 'Only callbacks received before this time.');

export class QuarantineDeleteQuery {
  @Source()
  source?: string;

  @Reason()
  reason?: string;

  @Since()
  since?: string;

  @Until()
  until?: string;
}

export class QuarantineQuery extends QuarantineDeleteQuery {
  @Limit()
  limit: number = 100;

  @Cursor(ID_EXAMPLE)
  cursor?: string;
}

const SOURCE_NAME = { message: 'must be the name of a source' };

export class QuarantineReplayRequest {
  @ApiPropertyOptional({ type: String, example: 'bandwidth', description: 'Only callbacks of this source.' })
  @Optional()
  @IsString(SOURCE_NAME)
  source?: string;

  @Reason()
  reason?: string;

  @Since()
  since?: string;

  @Until()
  until?: string;

  @ApiPropertyOptional({
    type: String,
    example: ID_EXAMPLE,
    description: '`nextCursor` of the previous response, to continue after the callbacks that it examined.',
  })
  @Optional()
  @IsString({ message: 'must be a string' })
  cursor?: string;
}
