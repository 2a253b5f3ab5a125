import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';

const IDENTIFIER = { type: String, minLength: 1, maxLength: 256 } as const;

/** The fields of the form that are used, for the API document. */
export class TwilioCallback {
  @ApiProperty({
    example: 'participant-connected',
    description:
      '`participant-connected`, `participant-disconnected` and `room-ended` change presence. Events about tracks and ' +
      'recordings, and `room-created`, do not. Twilio may add others, which are answered with 202.',
  })
  StatusCallbackEvent: string;

  @ApiProperty({ ...IDENTIFIER, example: 'support-42', description: 'The scope and tag of the participant.' })
  RoomName: string;

  @ApiPropertyOptional({
    ...IDENTIFIER,
    example: 'alice',
    description: 'The id of the participant. Only of events about a participant, like `ParticipantSid`.',
  })
  ParticipantIdentity?: string;

  @ApiPropertyOptional({
    ...IDENTIFIER,
    example: 'PA00000000000000000000000000000007',
    description: 'The id of the device: each join has its own.',
  })
  ParticipantSid?: string;

  @ApiProperty({ format: 'date-time', example: '2026-09-21T14:13:21.876Z', description: 'When it happened.' })
  Timestamp: string;
}
