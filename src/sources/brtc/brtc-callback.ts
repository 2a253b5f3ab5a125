import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';

class BrtcDevice {
  @ApiProperty({ minLength: 1, maxLength: 256, example: 'd-61f77cc8-78fe-58ad-913e-d76fb41eaab1' })
  deviceId: string;
}

/** Both shapes of the payload, for the API document. */
export class BrtcCallback {
  @ApiProperty({ minLength: 1, maxLength: 256, example: 'e-0a223cf4-04f4-48e7-a706-7e84995f071e' })
  endpointId: string;

  @ApiPropertyOptional({
    type: String,
    example: 'endpointConnected',
    description:
      '`endpointConnected`: a device connected. `endpointDisconnected`: its connection ended, for whatever reason. Others do ' +
      'not concern presence. Required unless there is an `eventType`.',
  })
  event?: string;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1e11,
    maximum: 1e14 - 1,
    example: 1_771_537_419_412,
    description: 'With `event`: the time of the event in milliseconds since the epoch.',
  })
  timestamp?: number;

  @ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: 256,
    example: 'd-61f77cc8-78fe-58ad-913e-d76fb41eaab1',
    description: 'With `event`. An end without it ends the connection of the endpoint, whichever device has it.',
  })
  deviceId?: string;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    example: '{"myTag": "myTagValue"}',
    description: 'With `event`: the tag of the endpoint, unchanged. More than 1,024 characters are truncated.',
  })
  tags?: string | null;

  @ApiPropertyOptional({
    type: String,
    example: 'DEVICE_CONNECTED',
    description: 'In the shape of the OpenAPI document of Bandwidth: `DEVICE_CONNECTED` or `DEVICE_DISCONNECTED`.',
  })
  eventType?: string;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    example: '2026-11-23T09:30:00.000Z',
    description: 'With `eventType`: the time of the event.',
  })
  eventTime?: string;

  @ApiPropertyOptional({
    type: BrtcDevice,
    nullable: true,
    description: 'With `eventType`. May be missing from the end of a connection, like `deviceId`.',
  })
  device?: BrtcDevice | null;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    example: 'agent-17',
    description: 'With `eventType`, like `tags`.',
  })
  tag?: string | null;
}
