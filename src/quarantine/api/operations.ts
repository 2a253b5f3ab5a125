// OpenAPI documentation of the operations on quarantined callbacks.
import { applyDecorators } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiProblems, ApiResponse } from '../../http/openapi/decorators.js';
import { ID_EXAMPLE } from './queries.js';
import {
  CALLBACK_EXAMPLE,
  DeletedResponse,
  ENTRY_EXAMPLE,
  QuarantinedCallbackResponse,
  QuarantineResponse,
  ReplayResponse,
  ReplayTotalsResponse,
} from './responses.js';

const ApiId = () =>
  ApiParam({ name: 'id', description: 'From the list.', schema: { type: 'string', example: ID_EXAMPLE } });

const ApiOneProblems = () => ApiProblems('unknown-quarantine-entry', 'uri-too-long', 'store-unavailable');

export const ApiListCallbacks = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'listQuarantinedCallbacks',
      summary: 'List quarantined callbacks',
      description:
        'Callbacks that were authenticated and then refused or not understood, newest first, without their bodies. They are ' +
        'kept for `QUARANTINE_RETENTION_MS`; beyond `QUARANTINE_MAX_COUNT` or `QUARANTINE_MAX_BYTES`, the oldest are dropped.',
    }),
    ApiOkResponse({
      type: QuarantineResponse,
      description: 'One page of callbacks.',
      example: { items: [ENTRY_EXAMPLE] },
    }),
    ApiProblems('store-unavailable'),
  );

export const ApiGetCallback = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'getQuarantinedCallback',
      summary: 'Get a quarantined callback',
      description: 'With its body exactly as it was received.',
    }),
    ApiId(),
    ApiOkResponse({ type: QuarantinedCallbackResponse, description: 'The callback.', example: CALLBACK_EXAMPLE }),
    ApiOneProblems(),
  );

export const ApiReplayCallback = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'replayQuarantinedCallback',
      summary: 'Replay a quarantined callback',
      description:
        'Processes the callback again, with its original time of receipt, but without checking its credentials or signature ' +
        'again. Unless it is refused again, it is removed from the quarantine. A callback of the wrong participant is applied, ' +
        'and the binding of its URL does not change: first make sure that it is genuine.',
    }),
    ApiId(),
    ApiOkResponse({
      type: ReplayResponse,
      description: 'It is no longer in the quarantine.',
      example: { outcome: 'applied' },
    }),
    ApiProblems(
      'unknown-quarantine-entry',
      'uri-too-long',
      'not-replayable',
      'too-many-participants',
      'store-unavailable',
    ),
  );

export const ApiReplayCallbacks = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'replayQuarantinedCallbacks',
      summary: 'Replay all quarantined callbacks that match',
      description:
        'Replays the callbacks that match all given filters, in the order of receipt. One request examines the newest 500: ' +
        'repeat it with `nextCursor` as `cursor` until there is none. Callbacks of the wrong participant are left out unless ' +
        '`reason` is `wrong-participant`.',
    }),
    ApiOkResponse({
      type: ReplayTotalsResponse,
      description: 'What has become of the callbacks.',
      example: { replayed: 500, failed: 0, remaining: 37, nextCursor: ID_EXAMPLE },
    }),
    ApiProblems('store-unavailable'),
  );

export const ApiDeleteCallback = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'deleteQuarantinedCallback',
      summary: 'Delete a quarantined callback',
      description: 'It cannot be replayed any more.',
    }),
    ApiId(),
    ApiResponse({ status: 204, description: 'It is deleted.' }),
    ApiOneProblems(),
  );

export const ApiDeleteCallbacks = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'deleteQuarantinedCallbacks',
      summary: 'Delete all quarantined callbacks that match',
      description:
        'Deletes the callbacks that match all given filters, of which there must be at least one. One request deletes up to ' +
        '1,000: repeat it until `remaining` is 0.',
    }),
    ApiOkResponse({
      type: DeletedResponse,
      description: 'How many were deleted.',
      example: { deleted: 1_000, remaining: 37 },
    }),
    ApiProblems('store-unavailable'),
  );
