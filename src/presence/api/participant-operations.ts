// What the API document says of the operations on participants.
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
    description: 'Changes whenever the answer does.',
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
        'Lists the participants who are connected, or who are in the states given, in the order in which their presence ' +
        'began. Follow `nextCursor` for more; a participant whose state does not change meanwhile is on exactly one page.',
    }),
    ApiOkResponse({
      type: ParticipantsResponse,
      description: 'One page of participants.',
      example: PARTICIPANTS_EXAMPLE,
    }),
    ApiProblems('store-unavailable'),
  );

export const ApiGetParticipant = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'getParticipant',
      summary: 'Get one participant',
      description:
        'Answers with a participant in any state, including `gone` until the retention period is over. Send the `ETag` ' +
        'of an earlier answer as `If-None-Match` to get 304 when nothing has changed.',
    }),
    ApiHeader({
      name: 'If-None-Match',
      required: false,
      schema: { type: 'string' },
      example: ETAG_EXAMPLE,
      description: 'The `ETag` of an earlier answer.',
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
      description: 'The participant is still as in the answer that `If-None-Match` names.',
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
        'Answers with up to 1,000 participants in the order in which their ids are given. A participant that is not ' +
        'known has the state `unknown`.',
    }),
    ApiOkResponse({
      type: LookupResponse,
      description: 'One item for each id, in the order of the request.',
      example: LOOKUP_EXAMPLE,
    }),
    ApiProblems('store-unavailable'),
  );
