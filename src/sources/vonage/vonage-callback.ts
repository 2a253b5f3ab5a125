import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';

const IDENTIFIER = { type: 'string', minLength: 1, maxLength: 256 } as const;
const EPOCH_MS = { type: 'integer', description: 'Milliseconds since the epoch.' } as const;

/** The members of the payload that are used, for the API document. */
export class VonageCallback {
  @ApiProperty({
    example: 'connectionCreated',
    description:
      '`connectionCreated` and `connectionDestroyed` change presence, those about streams, sessions and SIP calls do not. ' +
      'Others are not known.',
  })
  event: string;

  @ApiProperty({
    ...IDENTIFIER,
    type: String,
    example: '2_MX4xMzExMjU3MX5-MTQ3MDI1NzY3OTkxOH45QXRr',
    description: 'The scope and tag of the participant.',
  })
  sessionId: string;

  @ApiProperty({ ...EPOCH_MS, example: 1_790_000_001_309 })
  timestamp: number;

  @ApiPropertyOptional({ example: 'clientDisconnected', description: 'Only of `connectionDestroyed`.' })
  reason?: string;

  @ApiProperty({
    type: 'object',
    properties: {
      id: { ...IDENTIFIER, example: 'c053fcc8', description: 'The id of the device: each join has its own.' },
      createdAt: { ...EPOCH_MS, example: 1_790_000_001_143 },
      data: {
        type: 'string',
        example: 'alice',
        description: 'The id of the participant, or JSON that contains it. May be empty when the connection ends.',
      },
    },
    required: ['id'],
    example: { id: 'c053fcc8', createdAt: 1_790_000_001_143, data: 'alice' },
  })
  connection: object;
}
