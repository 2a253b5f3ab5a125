import { Controller, Get, Inject, Query } from '@nestjs/common';
import { encodeCursor } from '../../http/cursor.js';
import { LargeReads } from '../../http/large-reads.js';
import { ApiOkResponse, ApiOperation, ApiProblems, ApiTags } from '../../http/openapi/decorators.js';
import { invalidParameter } from '../../http/problem.js';
import { Access } from '../../http/route-options.js';
import { SourceNames } from '../../http/source-names.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { parseRfc3339, rfc3339 } from '../../runtime/rfc3339.js';
import { HistoryStore, isHistoryUnavailable } from '../history-store.js';
import { PastPresence } from '../past-presence.js';
import { connectionCursor } from './connection-cursor.js';
import { notConfigured } from './not-configured.js';
import { PAST_PRESENCE_EXAMPLE, PastPresenceResponse, pastParticipant } from './presence-responses.js';
import { PresenceQuery } from './queries.js';

@ApiTags('history')
@Controller('v1/presence')
export class PastPresenceController {
  readonly #largeReads = new LargeReads(isHistoryUnavailable);

  constructor(
    private readonly presence: PastPresence,
    private readonly store: HistoryStore,
    private readonly sources: SourceNames,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Get()
  @Access('read')
  @ApiOperation({
    operationId: 'getPastPresence',
    summary: 'List who was present at a time',
    description:
      'Lists participants with a connection that was open at the given time, with what is known now: events that were received later ' +
      'count, too. Follow `nextCursor` for more.',
  })
  @ApiOkResponse({
    type: PastPresenceResponse,
    description: 'One page of participants.',
    example: PAST_PRESENCE_EXAMPLE,
  })
  @ApiProblems('not-configured', 'store-unavailable')
  async list(@Query() { at, tag, source, scope, limit, cursor }: PresenceQuery): Promise<PastPresenceResponse> {
    const atMs = parseRfc3339(at) as number;
    if (atMs > this.clock.now()) throw invalidParameter('at', 'must not be in the future');
    const filter = { tag, source: this.sources.parse(source), scope };
    const key = JSON.stringify(['presence', atMs, filter]);
    const after = cursor === undefined ? null : connectionCursor(cursor, key);
    if (!this.store.place) throw notConfigured();
    const page = await this.#largeReads.run(limit, () => this.presence.page(filter, atMs, { after, limit }));
    if ('keptFromMs' in page)
      throw invalidParameter('at', `must not be before ${rfc3339(page.keptFromMs)}: history begins then`);
    const { participants, next, isComplete } = page;
    return {
      items: participants.map((rows) => pastParticipant(rows, atMs)),
      ...(next && { nextCursor: encodeCursor([next.startedAtMs, next.id], key) }),
      at: rfc3339(atMs),
      complete: isComplete,
    };
  }
}
