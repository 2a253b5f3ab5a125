// OpenAPI documentation of the operations on deliveries.
import { applyDecorators } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProblems,
} from '../../http/openapi/decorators.js';
import { POSITION_EXAMPLE } from '../../http/openapi/examples.js';
import {
  ATTEMPT_EXAMPLE,
  AttemptsResponse,
  DEAD_LETTER_EXAMPLE,
  DeadLettersResponse,
  RECORD_ID_EXAMPLE,
  ReplayStartedResponse,
  SEND_EXAMPLE,
  SendResponse,
} from './delivery-responses.js';
import { ENDPOINT_ID_EXAMPLE } from './responses.js';

const ApiId = () =>
  ApiParam({
    name: 'id',
    description: 'From the list of endpoints.',
    schema: { type: 'string', example: ENDPOINT_ID_EXAMPLE },
  });

const ApiEndpointProblems = () => ApiProblems('unknown-endpoint', 'uri-too-long', 'store-unavailable');

export const ApiListDeliveries = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'listWebhookDeliveries',
      summary: 'List the newest attempts to deliver to an endpoint',
      description: 'The newest 100 of the last 7 days are kept. They are shown within a second.',
    }),
    ApiId(),
    ApiOkResponse({ type: AttemptsResponse, description: 'Attempts.', example: { items: [ATTEMPT_EXAMPLE] } }),
    ApiEndpointProblems(),
  );

export const ApiListDeadLetters = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'listWebhookDeadLetters',
      summary: 'List what an endpoint has refused for good',
      description:
        'A message that is refused for 24 hours, while others are accepted, becomes a dead letter. The newest 1,000 of the last 30 days are ' +
        'kept.',
    }),
    ApiId(),
    ApiOkResponse({
      type: DeadLettersResponse,
      description: 'One page of them.',
      example: { items: [DEAD_LETTER_EXAMPLE] },
    }),
    ApiEndpointProblems(),
  );

export const ApiRetryDeadLetter = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'retryWebhookDeadLetter',
      summary: 'Send a dead letter again',
      description:
        'It is sent now, as it was and with the same `webhook-id`. If it is taken, it is no longer a dead letter.',
    }),
    ApiId(),
    ApiParam({
      name: 'letterId',
      description: 'From the list of dead letters.',
      schema: { type: 'string', example: RECORD_ID_EXAMPLE },
    }),
    ApiOkResponse({ type: SendResponse, description: 'What came back.', example: SEND_EXAMPLE }),
    ApiProblems('unknown-endpoint', 'unknown-dead-letter', 'uri-too-long', 'store-unavailable'),
  );

export const ApiReplay = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'replayWebhooks',
      summary: 'Deliver again what an endpoint has already received',
      description:
        'Moves the endpoint back to a position of the feed, or to a time. The changes after it are sent again, with the same ' +
        '`webhook-id` as the first time unless they are in batches. Nothing is skipped if the position is later than the ' +
        'oldest change that is not settled.',
    }),
    ApiId(),
    ApiAcceptedResponse({
      type: ReplayStartedResponse,
      description: 'It begins within a few seconds.',
      example: { from: POSITION_EXAMPLE },
    }),
    ApiProblems('unknown-endpoint', 'position-gone', 'uri-too-long', 'store-unavailable'),
  );

export const ApiTestEndpoint = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'testWebhookEndpoint',
      summary: 'Send a test to an endpoint',
      description: 'Sends a `webhook.test` now, also to an endpoint that is not enabled, and returns the answer.',
    }),
    ApiId(),
    ApiOkResponse({ type: SendResponse, description: 'What came back.', example: SEND_EXAMPLE }),
    ApiEndpointProblems(),
  );
