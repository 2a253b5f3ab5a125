// OpenAPI documentation of the operations on rules.
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
import { RULE_EXAMPLE, RULE_ID_EXAMPLE, RuleResponse, RulesResponse } from './rule-responses.js';

const ETAG_EXAMPLE = '"0BnQ8fZkqMRlqUWg8e3fO9Zb2Wk"';
const ETAG = {
  ETag: {
    description: 'Identifies this version of the rule.',
    schema: { type: 'string' },
    example: ETAG_EXAMPLE,
    required: true,
  },
} as const;

const ApiId = () =>
  ApiParam({ name: 'id', description: 'From the list.', schema: { type: 'string', example: RULE_ID_EXAMPLE } });

const ApiIfMatch = () =>
  ApiHeader({
    name: 'If-Match',
    required: false,
    description: 'An ETag: nothing is changed if the rule has changed since.',
    schema: { type: 'string', example: ETAG_EXAMPLE },
  });

const ApiChangeProblems = () => ApiProblems('unknown-rule', 'uri-too-long', 'rule-changed', 'store-unavailable');

export const ApiListRules = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'listWebhookRules',
      summary: 'List the rules about occupancy',
      description: 'There are at most 100.',
    }),
    ApiOkResponse({ type: RulesResponse, description: 'All rules.', example: { items: [RULE_EXAMPLE] } }),
    ApiProblems('store-unavailable'),
  );

export const ApiCreateRule = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'createWebhookRule',
      summary: 'Create a rule about occupancy',
      description:
        'When fewer or more than a number of participants are connected, or available, for long enough, `occupancy.alert` is sent ' +
        'to the endpoints with that type; once it is over, `occupancy.ok`.',
    }),
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      description: 'Any text. A request that is repeated with the same key gets the rule that it made the first time.',
      schema: { type: 'string', example: 'deploy-7' },
    }),
    ApiCreatedResponse({ type: RuleResponse, description: 'It is created.', headers: ETAG, example: RULE_EXAMPLE }),
    ApiProblems('too-many-rules', 'idempotency-key-reused', 'store-unavailable'),
  );

export const ApiGetRule = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'getWebhookRule',
      summary: 'Get a rule about occupancy',
      description: 'Its ETag can be sent as `If-Match`.',
    }),
    ApiId(),
    ApiOkResponse({ type: RuleResponse, description: 'The rule.', headers: ETAG, example: RULE_EXAMPLE }),
    ApiProblems('unknown-rule', 'uri-too-long', 'store-unavailable'),
  );

export const ApiChangeRule = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'changeWebhookRule',
      summary: 'Change a rule about occupancy',
      description:
        'Members that are absent stay as they are; null removes one. If more than the description changes, an alert ends with ' +
        '`occupancy.ok`, and the time begins anew.',
    }),
    ApiId(),
    ApiIfMatch(),
    ApiOkResponse({ type: RuleResponse, description: 'The rule as it is now.', headers: ETAG, example: RULE_EXAMPLE }),
    ApiChangeProblems(),
  );

export const ApiDeleteRule = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'deleteWebhookRule',
      summary: 'Delete a rule about occupancy',
      description: 'If it alerts, that ends with `occupancy.ok`.',
    }),
    ApiId(),
    ApiIfMatch(),
    ApiResponse({ status: 204, description: 'It is deleted.' }),
    ApiChangeProblems(),
  );
