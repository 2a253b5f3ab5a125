// What this service is, and what the caller may do with it: what a client has to know before it asks for more.
import { Controller, Get, Inject, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiOkResponse, ApiOperation, ApiProblems, ApiTags } from '../http/openapi/decorators.js';
import { NoQuery } from '../http/query-parameters.js';
import { Access } from '../http/route-options.js';
import { rfc3339 } from '../runtime/rfc3339.js';
import { VERSION } from '../runtime/version.js';
import { CallbackMetrics } from '../sources/callback-metrics.js';
import type { FeedStore } from '../storage/ports.js';
import { FEED_STORE } from '../storage/tokens.js';
import { SYSTEM_FACTS, type SystemFacts } from './system-facts.js';
import { SYSTEM_EXAMPLE, SystemResponse } from './system-response.js';

@ApiTags('operations')
@Controller('v1/system')
export class SystemController {
  constructor(
    @Inject(SYSTEM_FACTS) private readonly facts: SystemFacts,
    @Inject(FEED_STORE) private readonly feed: FeedStore,
    private readonly callbacks: CallbackMetrics,
  ) {}

  @Get()
  @Access('read')
  @ApiOperation({
    operationId: 'getSystem',
    summary: 'Show what the service is and what the caller may do',
    description:
      'The version, the store, the sources with their last callbacks, the extent of the change feed, and the scopes of the ' +
      'API key of this request.',
  })
  @ApiOkResponse({ type: SystemResponse, example: SYSTEM_EXAMPLE })
  @ApiProblems('store-unavailable')
  async show(@Req() { access }: FastifyRequest, @Query() _: NoQuery): Promise<SystemResponse> {
    const { store, hasHistory, publicUrl, feed, sources } = this.facts;
    const { bytes, oldestAtMs, newestAtMs } = await this.feed.extent();
    return {
      version: VERSION,
      store,
      history: hasHistory,
      ...(publicUrl !== undefined && { publicUrl }),
      sources: sources.map(({ name, dialect }) => {
        const lastCallbackMs = this.callbacks.lastReceivedMs(name);
        return { name, dialect, ...(lastCallbackMs !== undefined && { lastCallbackAt: rfc3339(lastCallbackMs) }) };
      }),
      feed: {
        bytes,
        maxBytes: feed.maxBytes,
        retentionMs: feed.retentionMs,
        // A feed that no change was committed to yet has no times.
        ...(newestAtMs !== 0 && { oldestAt: rfc3339(oldestAtMs), newestAt: rfc3339(newestAtMs) }),
      },
      access: { ...(access.keyName !== undefined && { key: access.keyName }), scopes: [...access.scopes] },
    };
  }
}
