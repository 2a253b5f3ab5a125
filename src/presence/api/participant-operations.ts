// OpenAPI documentation of the participant operations.
import { applyDecorators } from '@nestjs/common';
import { MAX_IDENTIFIER_LENGTH } from '../../domain/identifier.js';
import {
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProblems,
  ApiResponse,
} from '../../http/openapi/decorators.js';
import {
  LOOKUP_EXAMPLE,
  PARTICIPANT_EXAMPLE,
  PARTICIPANT_ID_EXAMPLE,
  PARTICIPANTS_EXAMPLE,
} from '../../http/openapi/examples.js';
import { LookupResponse, ParticipantResponse, ParticipantsResponse } from './responses.js';

const ETAG_EXAMPLE = '"2jmj7l5rSw0yVb_vlWAYkK_YBwk"';
const ETAG_HEADER = {
  ETag: {
    required: true,
    description: 'Changes whenever the response does.',
    schema: { type: 'string' },
    example: ETAG_EXAMPLE,
  },
};

export const ApiParticipantId = () =>
  ApiParam({
    name: 'participantId',
    schema: { type: 'string', minLength: 1, maxLength: MAX_IDENTIFIER_LENGTH, example: PARTICIPANT_ID_EXAMPLE },
    description: 'The provider’s id of the participant, percent-encoded.',
  });

export const ApiListParticipants = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'listParticipants',
      summary: 'List participants',
      description:
        'Lists the participants that are connected, or that are in one of the given states, in the order in which their ' +
        'presence began. Follow `nextCursor` for more. A participant that does not change meanwhile is on exactly one page.',
    }),
    ApiOkResponse({
      type: ParticipantsResponse,
      description: 'One page of participants.',
      example: PARTICIPANTS_EXAMPLE,
    }),
    ApiProblems('store-unavailable', 'labels-not-indexed'),
  );

export const ApiGetParticipant = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'getParticipant',
      summary: 'Get one participant',
      description:
        'Returns a participant in any state, including `expected`, and `gone` until the retention period is over. Send the `ETag` ' +
        'of an earlier response as `If-None-Match` to get a 304 if nothing has changed.',
    }),
    ApiHeader({
      name: 'If-None-Match',
      required: false,
      schema: { type: 'string' },
      example: ETAG_EXAMPLE,
      description: 'The `ETag` of an earlier response.',
    }),
    ApiParticipantId(),
    ApiOkResponse({
      type: ParticipantResponse,
      description: 'The participant.',
      headers: ETAG_HEADER,
      example: PARTICIPANT_EXAMPLE,
    }),
    ApiResponse({
      status: 304,
      description: 'The participant has not changed since the response with this `ETag`.',
      headers: ETAG_HEADER,
    }),
    ApiProblems('unknown-participant', 'unreadable-record', 'uri-too-long', 'store-unavailable'),
  );

export const ApiLookupParticipants = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'lookupParticipants',
      summary: 'Look up participants by id',
      description:
        'Returns up to 1,000 participants in the order of the given ids. A participant that is not known has the state ' +
        '`unknown`.',
    }),
    ApiOkResponse({
      type: LookupResponse,
      description: 'One item for each id, in the order of the request.',
      example: LOOKUP_EXAMPLE,
    }),
    ApiProblems('store-unavailable'),
  );
