// What is sent to endpoints, for the API document.
import { ChangeResponse } from '../../feed/api/change-response.js';
import { ApiProperty } from '../../http/openapi/decorators.js';
import { POSITION_EXAMPLE, TIME_EXAMPLE } from '../../http/openapi/examples.js';
import { ENDPOINT_ID_EXAMPLE } from './responses.js';

const Timestamp = () => ApiProperty({ format: 'date-time', example: TIME_EXAMPLE });

class ChangeWebhook {
  @ApiProperty({ type: String, example: 'participant.connected', description: 'The type of the change.' })
  type: string;

  @Timestamp()
  timestamp: string;

  @ApiProperty({ type: ChangeResponse, description: 'As in the change feed.' })
  data: ChangeResponse;
}

class BatchWebhook {
  @ApiProperty({ type: String, enum: ['presence.batch'], example: 'presence.batch' })
  type: string;

  @Timestamp()
  timestamp: string;

  @ApiProperty({ type: [ChangeResponse], description: 'In the order of the feed.' })
  data: ChangeResponse[];
}

class Gap {
  @ApiProperty({ type: String, example: POSITION_EXAMPLE, description: 'Changes after this position are missing.' })
  after: string;

  @ApiProperty({ type: String, example: POSITION_EXAMPLE, description: 'Deliveries go on after this one.' })
  position: string;
}

class GapWebhook {
  @ApiProperty({ type: String, enum: ['feed.gap'], example: 'feed.gap' })
  type: string;

  @Timestamp()
  timestamp: string;

  @ApiProperty({ type: Gap })
  data: Gap;
}

class Test {
  @ApiProperty({ type: String, example: ENDPOINT_ID_EXAMPLE, description: 'The endpoint.' })
  endpoint: string;

  @ApiProperty({ type: String, example: 'This is a test. No participant has changed.' })
  message: string;
}

class TestWebhook {
  @ApiProperty({ type: String, enum: ['webhook.test'], example: 'webhook.test' })
  type: string;

  @Timestamp()
  timestamp: string;

  @ApiProperty({ type: Test })
  data: Test;
}

/** By operationId. */
export const SENT_WEBHOOKS = {
  presenceChanged: { summary: 'A participant or a device has changed', body: ChangeWebhook },
  presenceChangedInBatch: { summary: 'Participants or devices have changed', body: BatchWebhook },
  changesMissed: { summary: 'Changes were dropped before they could be delivered', body: GapWebhook },
  endpointTested: { summary: 'An operator tests the endpoint', body: TestWebhook },
};
