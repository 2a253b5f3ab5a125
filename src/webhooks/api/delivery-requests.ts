import { IsString } from 'class-validator';
import { ApiProperty } from '../../http/openapi/decorators.js';
import { POSITION_EXAMPLE } from '../../http/openapi/examples.js';
import { Cursor, Limit } from '../../http/query-parameters.js';
import { RECORD_ID_EXAMPLE } from './delivery-responses.js';

export class AttemptsQuery {
  @Limit()
  limit: number = 100;
}

export class DeadLettersQuery extends AttemptsQuery {
  @Cursor(RECORD_ID_EXAMPLE)
  cursor?: string;
}

export class WebhookReplayRequest {
  @ApiProperty({
    type: String,
    example: POSITION_EXAMPLE,
    description: 'A position of the feed, or a time like 2026-11-23T09:30:00Z.',
  })
  @IsString({ message: 'must be a position or a time' })
  from: string;
}
