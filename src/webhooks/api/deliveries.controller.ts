import { randomBytes } from 'node:crypto';
import { Body, Controller, Get, HttpCode, HttpStatus, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiTags } from '../../http/openapi/decorators.js';
import { invalidParameter, ProblemError } from '../../http/problem.js';
import { NoQuery } from '../../http/query-parameters.js';
import { requestLog } from '../../http/request-log.js';
import { Access } from '../../http/route-options.js';
import { parseRfc3339 } from '../../runtime/rfc3339.js';
import { committedAtMs, type FeedPosition, formatPosition, parsePosition } from '../../storage/feed-position.js';
import type { FeedStore } from '../../storage/ports.js';
import { isTimedId, type TimedId } from '../../storage/timed-id.js';
import { DELIVERY_STORE, FEED_STORE, OCCUPANCY_EVENT_STORE } from '../../storage/tokens.js';
import type { DeliveryStore, OccupancyEventStore } from '../../storage/webhook-ports.js';
import { ManualSends } from '../delivery/manual-sends.js';
import type { Endpoint } from '../endpoint.js';
import { Endpoints } from '../endpoints.js';
import {
  ApiListDeadLetters,
  ApiListDeliveries,
  ApiReplay,
  ApiRetryDeadLetter,
  ApiTestEndpoint,
} from './delivery-operations.js';
import { AttemptsQuery, DeadLettersQuery, WebhookReplayRequest } from './delivery-requests.js';
import {
  type AttemptsResponse,
  attemptResponse,
  type DeadLettersResponse,
  deadLetterResponse,
  type ReplayStartedResponse,
  type SendResponse,
  sendResponse,
} from './delivery-responses.js';
import { endpointProblem } from './problems.js';

@ApiTags('webhooks')
@Controller('v1/webhooks/endpoints/:id')
export class DeliveriesController {
  constructor(
    private readonly endpoints: Endpoints,
    private readonly sends: ManualSends,
    @Inject(DELIVERY_STORE) private readonly store: DeliveryStore,
    @Inject(FEED_STORE) private readonly feed: FeedStore,
    @Inject(OCCUPANCY_EVENT_STORE) private readonly events: OccupancyEventStore,
  ) {}

  @Get('deliveries')
  @Access('admin')
  @ApiListDeliveries()
  async attempts(@Param('id') id: string, @Query() { limit }: AttemptsQuery): Promise<AttemptsResponse> {
    const endpoint = await this.#find(id);
    const records = await this.store.page('attempts', endpoint.id, null, limit);
    return { items: records.map(attemptResponse) };
  }

  @Get('dead-letters')
  @Access('admin')
  @ApiListDeadLetters()
  async deadLetters(
    @Param('id') id: string,
    @Query() { limit, cursor }: DeadLettersQuery,
  ): Promise<DeadLettersResponse> {
    const endpoint = await this.#find(id);
    // One more, to learn whether there are older ones.
    const records = await this.store.page('dead-letters', endpoint.id, toStart(cursor), limit + 1);
    const items = records.slice(0, limit).map(deadLetterResponse);
    const nextCursor = records.length > limit ? items.at(-1)?.id : undefined;
    return { items, ...(nextCursor !== undefined && { nextCursor }) };
  }

  @Post('dead-letters/:letterId/retry')
  @Access('admin')
  @HttpCode(HttpStatus.OK)
  @ApiRetryDeadLetter()
  async retry(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @Param('letterId') letterId: string,
    @Query() _: NoQuery,
  ): Promise<SendResponse> {
    const endpoint = await this.#find(id);
    const result = isTimedId(letterId) ? await this.sends.retry(endpoint, letterId) : undefined;
    if (!result) throw new ProblemError('unknown-dead-letter', { detail: 'It was delivered, or is too old.' });
    const { messageId, isDelivered } = result;
    requestLog(request).info({ endpoint: id, messageId, isDelivered }, 'an operator sent a dead letter again');
    return sendResponse(result);
  }

  @Post('replay')
  @Access('admin')
  @HttpCode(HttpStatus.ACCEPTED)
  @ApiReplay()
  async replay(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @Body() { from: text }: WebhookReplayRequest,
    @Query() _: NoQuery,
  ): Promise<ReplayStartedResponse> {
    const endpoint = await this.#find(id);
    const from = await this.#positionOf(text);
    const fromMs = parseRfc3339(text) ?? Math.max(...from.map(committedAtMs));
    const fromEvent = await this.events.newestNumber(fromMs);
    const replay = { id: randomBytes(9).toString('base64url'), from, fromEvent };
    const changed = await this.endpoints.change(endpoint.id, (one) => ({ ...one, replay }));
    if (typeof changed === 'string') throw endpointProblem(changed);
    requestLog(request).info({ endpoint: id, from: text }, 'an operator replays the webhooks of an endpoint');
    return { from: formatPosition(from) };
  }

  @Post('test')
  @Access('admin')
  @HttpCode(HttpStatus.OK)
  @ApiTestEndpoint()
  async test(@Param('id') id: string, @Query() _: NoQuery): Promise<SendResponse> {
    return sendResponse(await this.sends.test(await this.#find(id)));
  }

  async #find(id: string): Promise<Endpoint> {
    const stored = await this.endpoints.find(id);
    if (!stored) throw endpointProblem('unknown');
    return stored.value;
  }

  /** With whole epochs: in the text of a position they may be abbreviated. */
  async #positionOf(text: string): Promise<FeedPosition> {
    const timeMs = parseRfc3339(text);
    if (timeMs !== undefined) return this.feed.at(timeMs);
    const position = parsePosition(text);
    if (!position)
      throw invalidParameter('from', 'must be a position of the feed, or a time like 2026-11-23T09:30:00Z');
    const [entries, end] = [await this.feed.read(position, 1), await this.feed.end()];
    if (entries === null) {
      throw new ProblemError('position-gone', {
        detail: 'The feed no longer has this position. Use a later one, or a time.',
      });
    }
    return position.map((one, shard) => ({ ...one, epoch: end[shard]?.epoch ?? one.epoch }));
  }
}

function toStart(cursor: string | undefined): TimedId | null {
  if (cursor === undefined) return null;
  if (isTimedId(cursor)) return cursor;
  throw invalidParameter('cursor', 'was not issued by this service');
}
