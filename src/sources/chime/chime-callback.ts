import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';

/** A message of SNS, for the API document. */
export class ChimeCallback {
  @ApiProperty({
    enum: ['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation'],
    example: 'Notification',
  })
  Type: string;

  @ApiProperty({ example: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324' })
  MessageId: string;

  @ApiProperty({ example: 'arn:aws:sns:us-east-1:111122223333:chime' })
  TopicArn: string;

  @ApiProperty({
    example:
      '{"source":"aws.chime","detail-type":"Chime Meeting State Change","detail":{"eventType":"chime:AttendeeJoined"}}',
    description: 'Of a notification: the event of EventBridge, as JSON in a string.',
  })
  Message: string;

  @ApiPropertyOptional({ example: 'Chime' })
  Subject?: string;

  @ApiProperty({ format: 'date-time', example: '2026-09-21T14:13:21.900Z', description: 'When it was published.' })
  Timestamp: string;

  @ApiProperty({ enum: ['1', '2'], example: '2', description: '`1`: SHA-1; `2`: SHA-256.' })
  SignatureVersion: string;

  @ApiProperty({ example: 'EXAMPLEpH+DcEwjAPg8O9mY8dReBSwksfg2S7WKQcikcNKWLQjwu6A4VbeS0QHVCkhRS7fUQvi2egU3N' })
  Signature: string;

  @ApiProperty({ example: 'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0000.pem' })
  SigningCertURL: string;

  @ApiPropertyOptional({ example: '2336412f37fb687f5d51e6e2425e', description: 'Not of a notification.' })
  Token?: string;

  @ApiPropertyOptional({
    example: 'https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription',
    description: 'Not of a notification.',
  })
  SubscribeURL?: string;
}

/** An event of EventBridge, with the members that are used, for the API document. */
export class ChimeEvent {
  @ApiPropertyOptional({ example: '12345678-1234-1234-1234-111122223333', description: 'The same on redelivery.' })
  id?: string;

  @ApiProperty({ example: 'Chime Meeting State Change', description: 'Other types of events are ignored.' })
  'detail-type': string;

  @ApiPropertyOptional({
    format: 'date-time',
    example: '2026-09-21T14:13:21Z',
    description: 'Only used without `timestamp`.',
  })
  time?: string;

  @ApiProperty({
    type: 'object',
    properties: {
      eventType: { type: 'string', example: 'chime:AttendeeJoined' },
      timestamp: {
        type: 'number',
        example: 1_790_000_001_234,
        description: 'Milliseconds or seconds since the epoch.',
      },
      externalMeetingId: {
        type: 'string',
        example: 'support-42',
        description: 'The scope and tag; if absent, `meetingId`.',
      },
      meetingId: { type: 'string', example: '0f3a5c1e' },
      attendeeId: { type: 'string', example: '2b3c4d5e', description: 'The id of the device.' },
      externalUserId: { type: 'string', example: 'alice', description: 'The id of the participant.' },
    },
    required: ['eventType'],
    example: {
      eventType: 'chime:AttendeeJoined',
      timestamp: 1_790_000_001_234,
      externalMeetingId: 'support-42',
      attendeeId: '2b3c4d5e',
      externalUserId: 'alice',
    },
  })
  detail: object;
}
