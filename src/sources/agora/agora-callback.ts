import { ApiProperty } from '../../http/openapi/decorators.js';

const IDENTIFIER = { type: 'string', minLength: 1, maxLength: 256 } as const;

/** The members of the payload that are used, for the API document. */
export class AgoraCallback {
  @ApiProperty({ ...IDENTIFIER, example: '2000001428:4330:107', description: 'The id of the event.' })
  noticeId: string;

  @ApiProperty({ type: 'integer', example: 1, description: '1: RTC. Other products do not change presence.' })
  productId: number;

  @ApiProperty({
    type: 'integer',
    example: 103,
    description: '103, 105, 107: a user joined. 104, 106, 108: a user left. 101, 102, 111, 112: no change of presence.',
  })
  eventType: number;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    properties: {
      channelName: { ...IDENTIFIER, example: 'support-42', description: 'The scope and tag of the participant.' },
      uid: { type: 'integer', example: 1_200_000_007, description: 'The id of the device.' },
      account: { ...IDENTIFIER, example: 'alice', description: 'The id of the participant; if empty, `uid`.' },
      ts: { type: 'integer', example: 1_790_000_001, description: 'Seconds since the epoch.' },
      clientSeq: { type: 'integer', example: 1_790_000_001_746, description: 'The order of the events of a user.' },
      reason: { type: 'integer', example: 1, description: 'Only if the user left.' },
      platform: { type: 'integer', example: 7 },
      clientType: { type: 'integer', example: 10, description: 'Only with platform 6. 3 and 10: a recorder.' },
    },
    required: ['channelName', 'uid', 'ts'],
    example: { channelName: 'support-42', uid: 1_200_000_007, account: 'alice', ts: 1_790_000_001, platform: 7 },
  })
  payload: object;
}
