import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';

const IDENTIFIER = { type: 'string', minLength: 1, maxLength: 256 } as const;
const TIME = { type: 'string', format: 'date-time' } as const;

/** The members of the payload that are used, for the API document. */
export class RealtimekitCallback {
  @ApiProperty({
    example: 'meeting.participantJoined',
    description:
      '`meeting.participantJoined`, `meeting.participantLeft` and `meeting.ended` change presence. Others do not, or are not known.',
  })
  event: string;

  @ApiProperty({
    type: 'object',
    properties: {
      id: { ...IDENTIFIER, example: '50c8940e', description: 'The scope and tag of the participant.' },
      endedAt: { ...TIME, example: '2026-09-21T14:20:01.000Z', description: 'Of `meeting.ended`.' },
    },
    required: ['id'],
    example: { id: '50c8940e' },
  })
  meeting: object;

  @ApiPropertyOptional({
    type: 'object',
    properties: {
      customParticipantId: { ...IDENTIFIER, example: 'alice', description: 'The id of the participant.' },
      peerId: { ...IDENTIFIER, example: 'e32fb785', description: 'The id of the device: each join has its own.' },
      joinedAt: { ...TIME, example: '2026-09-21T14:13:21.437Z' },
      leftAt: { ...TIME, example: '2026-09-21T14:14:21.655Z', description: 'Of `meeting.participantLeft`.' },
    },
    required: ['customParticipantId', 'peerId', 'joinedAt'],
    example: { customParticipantId: 'alice', peerId: 'e32fb785', joinedAt: '2026-09-21T14:13:21.437Z' },
  })
  participant?: object;
}
