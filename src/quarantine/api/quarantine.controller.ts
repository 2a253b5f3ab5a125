import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiTags } from '../../http/openapi/decorators.js';
import { invalidParameter, ProblemError } from '../../http/problem.js';
import { NoQuery } from '../../http/query-parameters.js';
import { requestLog } from '../../http/request-log.js';
import { Access } from '../../http/route-options.js';
import { SourceNames } from '../../http/source-names.js';
import { parseRfc3339 } from '../../runtime/rfc3339.js';
import type { QuarantineFilter, QuarantineStore } from '../../storage/ports.js';
import { isTimedId, type TimedId } from '../../storage/timed-id.js';
import { QUARANTINE_STORE } from '../../storage/tokens.js';
import { removeMatching } from '../matching.js';
import { QuarantineReplay } from '../replay.js';
import {
  ApiDeleteCallback,
  ApiDeleteCallbacks,
  ApiGetCallback,
  ApiListCallbacks,
  ApiReplayCallback,
  ApiReplayCallbacks,
} from './operations.js';
import { QuarantineDeleteQuery, QuarantineQuery, QuarantineReplayRequest } from './queries.js';
import {
  callbackResponse,
  type DeletedResponse,
  entryResponse,
  type QuarantinedCallbackResponse,
  type QuarantineResponse,
  type ReplayResponse,
  type ReplayTotalsResponse,
} from './responses.js';

@ApiTags('operations')
@Controller('v1/quarantine')
export class QuarantineController {
  constructor(
    @Inject(QUARANTINE_STORE) private readonly store: QuarantineStore,
    private readonly replay: QuarantineReplay,
    private readonly sources: SourceNames,
  ) {}

  @Get()
  @Access('admin')
  @ApiListCallbacks()
  async list(@Query() query: QuarantineQuery): Promise<QuarantineResponse> {
    const { limit, cursor } = query;
    // One more, to learn whether there are older ones.
    const found = await this.store.page(this.#filterOf(query), toStart(cursor), limit + 1);
    const items = found.slice(0, limit).map(entryResponse);
    const nextCursor = found.length > limit ? items.at(-1)?.id : undefined;
    return { items, ...(nextCursor !== undefined && { nextCursor }) };
  }

  @Get(':id')
  @Access('admin')
  @ApiGetCallback()
  async find(@Param('id') id: string, @Query() _: NoQuery): Promise<QuarantinedCallbackResponse> {
    const callback = await this.store.get(toId(id));
    if (!callback) throw unknownEntry();
    return callbackResponse(callback);
  }

  @Post(':id/replay')
  @Access('admin')
  @HttpCode(HttpStatus.OK)
  @ApiReplayCallback()
  async replayOne(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @Query() _: NoQuery,
  ): Promise<ReplayResponse> {
    const result = await this.replay.one(toId(id));
    if (!result) throw unknownEntry();
    const { outcome } = result;
    requestLog(request).info({ quarantined: id, outcome }, 'an operator replayed a quarantined callback');
    if (outcome !== 'refused') return { outcome };
    const { detail, errors } = result;
    throw new ProblemError('not-replayable', { detail, ...(errors && { errors }) });
  }

  @Post('replay')
  @Access('admin')
  @HttpCode(HttpStatus.OK)
  @ApiReplayCallbacks()
  async replayMany(
    @Req() request: FastifyRequest,
    @Body() body: QuarantineReplayRequest,
    @Query() _: NoQuery,
  ): Promise<ReplayTotalsResponse> {
    const { source, reason, since, until, cursor } = body;
    const { next, ...totals } = await this.replay.many(this.#filterOf(body), toStart(cursor));
    requestLog(request).info({ source, reason, since, until, ...totals }, 'an operator replayed quarantined callbacks');
    return { ...totals, ...(next !== null && { nextCursor: next }) };
  }

  @Delete(':id')
  @Access('admin')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiDeleteCallback()
  async deleteOne(@Req() request: FastifyRequest, @Param('id') id: string, @Query() _: NoQuery): Promise<void> {
    if ((await this.store.remove([toId(id)])) === 0) throw unknownEntry();
    requestLog(request).info({ quarantined: id }, 'an operator deleted a quarantined callback');
  }

  @Delete()
  @Access('admin')
  @ApiDeleteCallbacks()
  async deleteMany(@Req() request: FastifyRequest, @Query() query: QuarantineDeleteQuery): Promise<DeletedResponse> {
    const filter = this.#filterOf(query);
    if (Object.values(filter).every((value) => value === undefined)) {
      const message = 'at least one of source, reason, since and until is required';
      throw new ProblemError('invalid-request', { detail: message, errors: [{ pointer: '#', message }] });
    }
    const { source, reason, since, until } = query;
    const totals = await removeMatching(this.store, filter);
    requestLog(request).info({ source, reason, since, until, ...totals }, 'an operator deleted quarantined callbacks');
    return totals;
  }

  #filterOf({ source, reason, since, until }: QuarantineDeleteQuery): QuarantineFilter {
    const [sinceMs, untilMs] = [since, until].map((time) => (time === undefined ? undefined : parseRfc3339(time)));
    if (sinceMs !== undefined && untilMs !== undefined && untilMs <= sinceMs) {
      throw invalidParameter('until', 'must be later than since');
    }
    return { source: this.sources.parse(source), reason, sinceMs, untilMs };
  }
}

function toId(text: string): TimedId {
  if (isTimedId(text)) return text;
  throw unknownEntry();
}

function toStart(cursor: string | undefined): TimedId | null {
  if (cursor === undefined) return null;
  if (isTimedId(cursor)) return cursor;
  throw invalidParameter('cursor', 'was not issued by this service');
}

function unknownEntry(): ProblemError {
  const detail = 'There is no such callback: it was replayed or deleted, or a limit of the quarantine was reached.';
  return new ProblemError('unknown-quarantine-entry', { detail });
}
