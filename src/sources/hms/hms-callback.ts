import { ApiProperty } from '../../http/openapi/decorators.js';

const IDENTIFIER = { type: 'string', minLength: 1, maxLength: 256 } as const;

/** The members of the payload that are used, for the API document. */
export class HmsCallback {
  @ApiProperty({
    example: 'peer.join.success',
    description: '`peer.join.success` and `peer.leave.success` change presence. Others do not.',
  })
  type: string;

  @ApiProperty({ ...IDENTIFIER, example: '06fbfda3-4456-4d3e-b76e-5f5a3a4f6c11', description: 'The id of the event.' })
  id: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    properties: {
      room_id: { ...IDENTIFIER, example: '627cda9aff601e7aa1aa0042', description: 'The scope and tag.' },
      user_id: { ...IDENTIFIER, example: 'alice', description: 'The id of the participant; if absent, `peer_id`.' },
      peer_id: { ...IDENTIFIER, example: '3c8c5b0a', description: 'The id of the device: each join has its own.' },
      joined_at: { type: 'string', format: 'date-time', example: '2026-09-21T14:13:21.437120393Z' },
      left_at: {
        type: 'string',
        format: 'date-time',
        example: '2026-09-21T14:14:21.655Z',
        description: 'Only of `peer.leave.success`.',
      },
      reason: { type: 'string', example: 'client request', description: 'Only of `peer.leave.success`.' },
    },
    required: ['room_id', 'peer_id', 'joined_at'],
    example: {
      room_id: '627cda9aff601e7aa1aa0042',
      user_id: 'alice',
      peer_id: '3c8c5b0a',
      joined_at: '2026-09-21T14:13:21.437120393Z',
    },
  })
  data: object;
}
