// What is sent to endpoints, for the API document.
import { ChangeResponse } from '../../feed/api/change-response.js';
import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';
import { POSITION_EXAMPLE, TAG_EXAMPLE, TIME_EXAMPLE } from '../../http/openapi/examples.js';
import { ENDPOINT_ID_EXAMPLE } from './responses.js';
import { RuleConditionResponse } from './rule-responses.js';

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

class TagEvent {
  @ApiProperty({ type: String, enum: ['tag.occupied', 'tag.vacated'], example: 'tag.vacated' })
  type: string;

  @ApiProperty({ type: String, example: TAG_EXAMPLE })
  tag: string;

  @ApiProperty({ format: 'date-time', example: TIME_EXAMPLE, description: 'Since when it is occupied or empty.' })
  since: string;
}

class TagWebhook {
  @ApiProperty({ type: String, enum: ['tag.occupied', 'tag.vacated'], example: 'tag.vacated' })
  type: string;

  @Timestamp()
  timestamp: string;

  @ApiProperty({ type: TagEvent })
  data: TagEvent;
}

class RuleEvent {
  @ApiProperty({ type: String, enum: ['occupancy.alert', 'occupancy.ok'], example: 'occupancy.alert' })
  type: string;

  @ApiProperty({ type: RuleConditionResponse, description: 'The rule as it was then.' })
  rule: RuleConditionResponse;

  @ApiPropertyOptional({ type: 'integer', example: 1, description: 'What was counted. Absent if there is a `cause`.' })
  value?: number;

  @ApiProperty({ format: 'date-time', example: TIME_EXAMPLE, description: 'Since when it is broken, or no longer.' })
  since: string;

  @ApiPropertyOptional({
    type: String,
    enum: ['rule-changed', 'rule-deleted'],
    example: 'rule-deleted',
    description: 'Why the alert has ended, unless the count is as it should be.',
  })
  cause?: string;
}

class RuleWebhook {
  @ApiProperty({ type: String, enum: ['occupancy.alert', 'occupancy.ok'], example: 'occupancy.alert' })
  type: string;

  @Timestamp()
  timestamp: string;

  @ApiProperty({ type: RuleEvent })
  data: RuleEvent;
}

class OccupancyGap {
  @ApiProperty({ type: String, enum: ['occupancy.gap'], example: 'occupancy.gap' })
  type: string;

  @ApiProperty({ type: 'integer', example: 3, description: 'How many, of all types and tags.' })
  missed: number;
}

class OccupancyGapWebhook {
  @ApiProperty({ type: String, enum: ['occupancy.gap'], example: 'occupancy.gap' })
  type: string;

  @Timestamp()
  timestamp: string;

  @ApiProperty({ type: OccupancyGap })
  data: OccupancyGap;
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
  tagOccupancyChanged: {
    summary: 'The first participant has come to a tag, or the last one has left it',
    body: TagWebhook,
  },
  ruleOccupancyChanged: { summary: 'A rule about occupancy is broken, or no longer', body: RuleWebhook },
  occupancyEventsMissed: {
    summary: 'Events about tags and rules were dropped, or damaged in the store, before they could be delivered',
    body: OccupancyGapWebhook,
  },
  endpointTested: { summary: 'An operator tests the endpoint', body: TestWebhook },
};
