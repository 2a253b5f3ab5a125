import { ApiProperty } from '../../http/openapi/decorators.js';

const IDENTIFIER = { type: 'string', minLength: 1, maxLength: 256 } as const;

/** The members of the payload that are used, for the API document. */
export class JaasCallback {
  @ApiProperty({
    example: 'PARTICIPANT_JOINED',
    description: '`PARTICIPANT_JOINED` and `PARTICIPANT_LEFT` change presence. Others do not.',
  })
  eventType: string;

  @ApiProperty({ ...IDENTIFIER, example: '8f1b2d3c-0001-4a4a-9b9b-000000000001', description: 'The id of the event.' })
  idempotencyKey: string;

  @ApiProperty({ type: 'integer', example: 1_790_000_001_143, description: 'Milliseconds since the epoch.' })
  timestamp: number;

  @ApiProperty({
    ...IDENTIFIER,
    example: 'vpaas-magic-cookie-c2824d58/support-42',
    description: 'The AppID and the room: the scope and tag of the participant.',
  })
  fqn: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    properties: {
      id: { ...IDENTIFIER, example: 'alice', description: 'The id of the participant; if absent, `participantJid`.' },
      participantJid: { ...IDENTIFIER, example: '3988218d-a6ef@8x8.vc', description: 'The id of the device.' },
      breakoutRoomId: {
        ...IDENTIFIER,
        example: 'e0f49fd5-c3dc',
        description: 'Only in breakout rooms; part of the id of the device.',
      },
      disconnectReason: { type: 'string', example: 'left', description: 'Only of `PARTICIPANT_LEFT`.' },
    },
    required: ['participantJid'],
    example: { id: 'alice', participantJid: '3988218d-a6ef@8x8.vc', isBreakout: false },
  })
  data: object;
}
