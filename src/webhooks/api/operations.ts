// OpenAPI documentation of the operations on endpoints.
import { applyDecorators } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProblems,
  ApiResponse,
} from '../../http/openapi/decorators.js';
import {
  CREATED_ENDPOINT_EXAMPLE,
  CreatedEndpointResponse,
  ENDPOINT_EXAMPLE,
  ENDPOINT_ID_EXAMPLE,
  EndpointResponse,
  EndpointsResponse,
  ROTATED_SECRET_EXAMPLE,
  RotatedSecretResponse,
} from './responses.js';

const ETAG = {
  ETag: {
    description: 'Identifies this version of the endpoint.',
    schema: { type: 'string' },
    example: '"0BnQ8fZkqMRlqUWg8e3fO9Zb2Wk"',
    required: true,
  },
} as const;

const ApiId = () =>
  ApiParam({ name: 'id', description: 'From the list.', schema: { type: 'string', example: ENDPOINT_ID_EXAMPLE } });

const ApiIfMatch = () =>
  ApiHeader({
    name: 'If-Match',
    required: false,
    description: 'An ETag: nothing is changed if the endpoint has changed since.',
    schema: { type: 'string', example: '"0BnQ8fZkqMRlqUWg8e3fO9Zb2Wk"' },
  });

const ApiEndpointProblems = () => ApiProblems('unknown-endpoint', 'uri-too-long', 'store-unavailable');
const ApiChangeProblems = () =>
  ApiProblems('unknown-endpoint', 'uri-too-long', 'declared-endpoint', 'endpoint-changed', 'store-unavailable');

export const ApiListEndpoints = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'listWebhookEndpoints',
      summary: 'List the endpoints of webhooks',
      description: 'There are at most 1,000.',
    }),
    ApiOkResponse({ type: EndpointsResponse, description: 'All endpoints.', example: { items: [ENDPOINT_EXAMPLE] } }),
    ApiProblems('store-unavailable'),
  );

export const ApiCreateEndpoint = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'createWebhookEndpoint',
      summary: 'Create an endpoint for webhooks',
      description:
        'Every change that is committed from now on and matches all given filters is sent to its URL, signed with its secret. ' +
        'The response is the only one that shows the secret.',
    }),
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      description:
        'Any text. A request that is repeated with the same key gets the endpoint that it made the first time.',
      schema: { type: 'string', example: 'deploy-7' },
    }),
    ApiCreatedResponse({
      type: CreatedEndpointResponse,
      description: 'It is created.',
      headers: ETAG,
      example: CREATED_ENDPOINT_EXAMPLE,
    }),
    ApiProblems('too-many-endpoints', 'idempotency-key-reused', 'store-unavailable'),
  );

export const ApiGetEndpoint = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'getWebhookEndpoint',
      summary: 'Get an endpoint of webhooks',
      description: 'Without its secret and the values of its headers.',
    }),
    ApiId(),
    ApiOkResponse({
      type: EndpointResponse,
      description: 'The endpoint.',
      headers: ETAG,
      example: ENDPOINT_EXAMPLE,
    }),
    ApiEndpointProblems(),
  );

export const ApiChangeEndpoint = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'changeWebhookEndpoint',
      summary: 'Change an endpoint of webhooks',
      description:
        'Members that are absent stay as they are; null removes a filter or the description. New filters apply to what is ' +
        'not yet read from the feed. An endpoint that is enabled again continues where it was.',
    }),
    ApiId(),
    ApiIfMatch(),
    ApiOkResponse({
      type: EndpointResponse,
      description: 'The endpoint as it is now.',
      headers: ETAG,
      example: ENDPOINT_EXAMPLE,
    }),
    ApiChangeProblems(),
  );

export const ApiDeleteEndpoint = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'deleteWebhookEndpoint',
      summary: 'Delete an endpoint of webhooks',
      description: 'Nothing more is sent to it, and its dead letters are deleted as well.',
    }),
    ApiId(),
    ApiIfMatch(),
    ApiResponse({ status: 204, description: 'It is deleted.' }),
    ApiChangeProblems(),
  );

export const ApiRotateSecret = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'rotateWebhookSecret',
      summary: 'Replace the secret of an endpoint',
      description:
        'Until the overlap ends, each request has signatures with both secrets, so that the receiver can change over at any ' +
        'moment.',
    }),
    ApiId(),
    ApiOkResponse({ type: RotatedSecretResponse, description: 'The new secret.', example: ROTATED_SECRET_EXAMPLE }),
    ApiProblems('unknown-endpoint', 'uri-too-long', 'declared-endpoint', 'store-unavailable'),
  );
