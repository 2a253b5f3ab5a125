import { ApiProperty } from '../../http/openapi/decorators.js';

const IDENTIFIER = { type: 'string', minLength: 1, maxLength: 256 } as const;

/** The members of the payload that are used, for the API document. */
export class DailyCallback {
  @ApiProperty({
    example: 'participant.joined',
    description:
      '`participant.joined` and `participant.left` change presence, those about meetings and waiting participants do not. ' +
      'Others are not known.',
  })
  type: string;

  @ApiProperty({ ...IDENTIFIER, example: 'ptcpt-join-6497c79b-1790000001960' })
  id: string;

  @ApiProperty({
    type: 'object',
    properties: {
      room: { ...IDENTIFIER, example: 'support-42', description: 'The scope and tag of the participant.' },
      user_id: { ...IDENTIFIER, example: 'alice', description: 'The id of the participant; if absent, `session_id`.' },
      session_id: { ...IDENTIFIER, example: '6497c79b', description: 'The id of the device: each join has its own.' },
      joined_at: { type: 'number', example: 1_790_000_001.96, description: 'Seconds since the epoch.' },
      duration: { type: 'number', example: 11.419, description: 'Seconds; only of `participant.left`.' },
    },
    required: ['room', 'session_id', 'joined_at'],
    example: { room: 'support-42', user_id: 'alice', session_id: '6497c79b', joined_at: 1_790_000_001.96 },
  })
  payload: object;
}
