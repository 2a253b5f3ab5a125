import { Controller, Get, Headers, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { identifierFault, MAX_IDENTIFIER_LENGTH } from '../../domain/identifier.js';
import { encodeCursor } from '../../http/cursor.js';
import { JSON_CONTENT_TYPE } from '../../http/json-text.js';
import { LargeReads } from '../../http/large-reads.js';
import { ApiOperation, ApiParam, ApiProblems, ApiTags } from '../../http/openapi/decorators.js';
import { PARTICIPANT_ID_EXAMPLE } from '../../http/openapi/examples.js';
import { invalidParameter } from '../../http/problem.js';
import { Access } from '../../http/route-options.js';
import { SourceNames } from '../../http/source-names.js';
import { type ConnectionFilter, Connections, type Order } from '../connections.js';
import { isHistoryUnavailable } from '../history-store.js';
import { connectionCursor } from './connection-cursor.js';
import { acceptsCsv, CSV_CONTENT_TYPE, connectionsCsv } from './connections-csv.js';
import { notConfigured } from './not-configured.js';
import { ConnectionsQuery, ParticipantConnectionsQuery } from './queries.js';
import { rangeOf } from './range.js';
import { ApiConnections, connectionResponse } from './responses.js';

const DEFAULT_LIMIT = 100;

@ApiTags('history')
@Controller('v1')
export class ConnectionsController {
  readonly #largeReads = new LargeReads(isHistoryUnavailable);

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
      'Follow `nextCursor` for more. With `Accept: text/csv`, all of them are streamed as CSV, without pages.',
  })
  @ApiConnections()
  @ApiProblems('not-configured', 'store-unavailable')
  list(
    @Query() query: ConnectionsQuery,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.#answer(reply, accept, query, query.participantId);
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
  @ApiConnections()
  @ApiProblems('uri-too-long', 'not-configured', 'store-unavailable')
  listOfParticipant(
    @Param('participantId') participantId: string,
    @Query() query: ParticipantConnectionsQuery,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const fault = identifierFault(participantId);
    if (fault) throw invalidParameter('participantId', fault);
    return this.#answer(reply, accept, query, participantId);
  }

  async #answer(
    reply: FastifyReply,
    accept: string | undefined,
    query: ParticipantConnectionsQuery,
    participantId: string | undefined,
  ): Promise<void> {
    const isCsv = acceptsCsv(accept);
    if (isCsv) refusePages(query);
    const { limit = DEFAULT_LIMIT, cursor, order, deviceId, tag, source, scope, from, to, cause, open } = query;
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
    const after = cursor === undefined ? null : connectionCursor(cursor, key);
    if (!this.connections.isOn) throw notConfigured();
    reply.header('vary', 'Accept, Origin');
    if (isCsv) return this.#sendCsv(reply, { filter, order });
    const page = () => this.connections.page(filter, { after, limit, order });
    const { rows, next, isComplete } = await this.#largeReads.run(limit, page);
    const response = {
      items: rows.map(connectionResponse),
      ...(next && { nextCursor: encodeCursor([next.startedAtMs, next.id], key) }),
      complete: isComplete,
    };
    reply.type(JSON_CONTENT_TYPE).send(JSON.stringify(response));
  }

  async #sendCsv(reply: FastifyReply, query: { filter: ConnectionFilter; order: Order }): Promise<void> {
    const { stream, isComplete } = await connectionsCsv(this.connections, this.#largeReads, query);
    reply.headers({
      'content-type': CSV_CONTENT_TYPE,
      'content-disposition': 'attachment; filename="connections.csv"',
      'rollcall-complete': String(isComplete),
    });
    reply.send(stream);
  }
}

function refusePages({ limit, cursor }: ParticipantConnectionsQuery): void {
  if (limit !== undefined) throw invalidParameter('limit', 'cannot be combined with text/csv');
  if (cursor !== undefined) throw invalidParameter('cursor', 'cannot be combined with text/csv');
}
