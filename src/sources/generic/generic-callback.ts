import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';

const IDENTIFIER = { type: 'string', minLength: 1, maxLength: 256 } as const;

/** A CloudEvent, for the API document. */
export class GenericCallback {
  @ApiProperty({ enum: ['1.0'], example: '1.0' })
  specversion: string;

  @ApiProperty({
    example: 'rollcall.device.connected',
    description:
      '`rollcall.device.connected`, `rollcall.device.disconnected`, `rollcall.device.left` or `rollcall.device.seen`. Types ' +
      'that do not begin with `rollcall.` are ignored.',
  })
  type: string;

  @ApiProperty({ ...IDENTIFIER, example: '/feeds/office', description: 'What sends the event.' })
  source: string;

  @ApiProperty({ ...IDENTIFIER, example: 'ev-0001', description: 'Unique in its source, and the same on redelivery.' })
  id: string;

  @ApiProperty({ format: 'date-time', example: '2026-09-21T14:13:21.437Z', description: 'When it happened.' })
  time: string;

  @ApiPropertyOptional({ example: 'application/json' })
  datacontenttype?: string;

  @ApiProperty({
    type: 'object',
    properties: {
      participantId: { ...IDENTIFIER, example: 'alice' },
      deviceId: { ...IDENTIFIER, example: 'conn-1', description: 'The connection: best a new id for each.' },
      scope: {
        type: 'string',
        maxLength: 256,
        example: 'room-42',
        description: 'The room or account in which the id of the participant is unique. Default: none.',
      },
      tag: { type: 'string', maxLength: 1_024, example: 'support', description: 'Groups participants.' },
      labels: {
        type: 'object',
        maxProperties: 8,
        additionalProperties: { type: 'string', minLength: 1, maxLength: 256 },
        example: { call: '42', user: 'u-7' },
        description: 'Further groups, by name.',
      },
    },
    required: ['participantId', 'deviceId'],
    example: { participantId: 'alice', deviceId: 'conn-1', tag: 'support' },
  })
  data: object;
}
