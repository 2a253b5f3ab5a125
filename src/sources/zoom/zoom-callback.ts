import { ApiProperty } from '../../http/openapi/decorators.js';

/** The members of the payload that are used, for the API document. */
export class ZoomCallback {
  @ApiProperty({
    example: 'session.user_joined',
    description:
      '`session.user_joined` and `session.user_left` of the Video SDK, `meeting.participant_joined` and ' +
      '`meeting.participant_left` of Meetings. Others do not change presence.',
  })
  event: string;

  @ApiProperty({ type: 'integer', example: 1_790_000_001_859, description: 'Milliseconds since the epoch.' })
  event_ts: number;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'Has the session or meeting in `object`, and in it the `user` or `participant`.',
    example: {
      object: { session_name: 'support-42', user: { user_key: 'alice', participant_uuid: '55555AAAiAAAAAiAiAiiAii' } },
    },
  })
  payload: object;
}
