import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';

const IDENTIFIER = { type: 'string', minLength: 1, maxLength: 256 } as const;
const TEXT = { type: 'string' } as const;

/** The members of the payload that are used, for the API document. */
export class LivekitCallback {
  @ApiProperty({
    example: 'participant_joined',
    description:
      '`participant_joined` and `participant_left` change presence. Events about rooms, tracks, egress, ingress and agent ' +
      'jobs, and `participant_connection_aborted`, do not. LiveKit may add others, which are answered with 202.',
  })
  event: string;

  @ApiProperty({
    type: 'object',
    properties: {
      name: { ...IDENTIFIER, example: 'support-42', description: 'The scope and tag of the participant.' },
      sid: {
        ...TEXT,
        example: 'RM_hycBMAjmt6Ub',
        description: 'The label `session`: each time a room begins it has another.',
      },
    },
    required: ['name'],
    example: { name: 'support-42' },
  })
  room: object;

  @ApiProperty({
    type: 'object',
    properties: {
      identity: { ...IDENTIFIER, example: 'alice', description: 'The id of the participant.' },
      sid: { ...IDENTIFIER, example: 'PA_TnBSMkoBzXyK', description: 'The id of the device: each join has its own.' },
      joinedAtMs: { ...TEXT, example: '1790000001437', description: 'Milliseconds since the epoch.' },
      joinedAt: {
        ...TEXT,
        example: '1790000001',
        description: 'The same in seconds, if `joinedAtMs` is absent.',
      },
      kind: { ...TEXT, example: 'SIP', description: '`STANDARD` if absent.' },
      disconnectReason: { ...TEXT, example: 'CLIENT_INITIATED', description: 'Why the participant left.' },
    },
    required: ['identity', 'sid'],
    example: { sid: 'PA_TnBSMkoBzXyK', identity: 'alice', joinedAtMs: '1790000001437' },
  })
  participant: object;

  @ApiPropertyOptional({ ...IDENTIFIER, type: String, example: 'EV_VugAFgZoTmyp' })
  id?: string;

  @ApiProperty({ example: '1790000001', description: 'When the event was queued, in seconds since the epoch.' })
  createdAt: string;
}
