import { Controller, Get, Param, Query } from '@nestjs/common';
import { identifierFault, MAX_IDENTIFIER_LENGTH } from '../../domain/identifier.js';
import { decodeCursor, encodeCursor, isTime } from '../../http/cursor.js';
import { ApiOkResponse, ApiOperation, ApiParam, ApiProblems, ApiTags } from '../../http/openapi/decorators.js';
import { PARTICIPANT_ID_EXAMPLE } from '../../http/openapi/examples.js';
import { invalidParameter, ProblemError } from '../../http/problem.js';
import { Access } from '../../http/route-options.js';
import { SourceNames } from '../../http/source-names.js';
import { parseRfc3339 } from '../../runtime/rfc3339.js';
import { type ConnectionCursor, type ConnectionFilter, Connections } from '../connections.js';
import { ConnectionsQuery, ParticipantConnectionsQuery } from './queries.js';
import { CONNECTIONS_EXAMPLE, ConnectionsResponse, connectionResponse } from './responses.js';

const MAX_RANGE_MS = 366 * 86_400_000;

@ApiTags('history')
@Controller('v1')
export class ConnectionsController {
  constructor(
    private readonly connections: Connections,
    private readonly sources: SourceNames,
  ) {}

  @Get('connections')
  @Access('read')
  @ApiOperation({
    operationId: 'listConnections',
    summary: 'List connections',
    description:
      'Lists the connections of devices, present and past, that match all parameters. Late events correct earlier connections. ' +
      'Follow `nextCursor` for more.',
  })
  @ApiOkResponse({ type: ConnectionsResponse, description: 'One page of connections.', example: CONNECTIONS_EXAMPLE })
  @ApiProblems('not-configured', 'store-unavailable')
  list(@Query() query: ConnectionsQuery): Promise<ConnectionsResponse> {
    return this.#page(query, query.participantId);
  }

  @Get('participants/:participantId/connections')
  @Access('read')
  @ApiOperation({
    operationId: 'listParticipantConnections',
    summary: 'List the connections of one participant',
    description:
      'The same for one participant: of all sources and scopes in which the id occurs, unless they are given. Empty if history ' +
      'knows none.',
  })
  @ApiParam({
    name: 'participantId',
    schema: { type: 'string', minLength: 1, maxLength: MAX_IDENTIFIER_LENGTH, example: PARTICIPANT_ID_EXAMPLE },
    description: 'The provider’s id of the participant, percent-encoded.',
  })
  @ApiOkResponse({ type: ConnectionsResponse, description: 'One page of connections.', example: CONNECTIONS_EXAMPLE })
  @ApiProblems('uri-too-long', 'not-configured', 'store-unavailable')
  listOfParticipant(
    @Param('participantId') participantId: string,
    @Query() query: ParticipantConnectionsQuery,
  ): Promise<ConnectionsResponse> {
    const fault = identifierFault(participantId);
    if (fault) throw invalidParameter('participantId', fault);
    return this.#page(query, participantId);
  }

  async #page(query: ParticipantConnectionsQuery, participantId: string | undefined): Promise<ConnectionsResponse> {
    const { limit, cursor, order, deviceId, tag, source, scope, from, to, cause, open } = query;
    const filter = {
      participantId,
      deviceId,
      tag,
      scope,
      cause,
      isOpen: open,
      source: this.sources.parse(source),
      ...rangeOf(from, to),
    };
    const key = JSON.stringify([order, filter]);
    const after = cursor === undefined ? null : cursorOf(cursor, key);
    if (!this.connections.isOn) throw notConfigured();
    const { rows, next, isComplete } = await this.connections.page(filter, { after, limit, order });
    return {
      items: rows.map(connectionResponse),
      ...(next && { nextCursor: encodeCursor([next.startedAtMs, next.id], key) }),
      complete: isComplete,
    };
  }
}

function rangeOf(from: string | undefined, to: string | undefined): Pick<ConnectionFilter, 'fromMs' | 'toMs'> {
  const [fromMs, toMs] = [from, to].map((time) => (time === undefined ? undefined : parseRfc3339(time)));
  if (fromMs === undefined || toMs === undefined) return { fromMs, toMs };
  if (toMs <= fromMs) throw invalidParameter('to', 'must be later than from');
  if (toMs - fromMs > MAX_RANGE_MS) throw invalidParameter('to', 'must be at most 366 days after from');
  return { fromMs, toMs };
}

function cursorOf(text: string, key: string): ConnectionCursor {
  const [startedAtMs, id] = decodeCursor(text, [isTime, isTime], key);
  return { startedAtMs: Number(startedAtMs), id: Number(id) };
}

function notConfigured(): ProblemError {
  const detail = 'History is off: set DATABASE_URL to keep it in PostgreSQL, and HISTORY must not be off.';
  return new ProblemError('not-configured', { detail });
}
