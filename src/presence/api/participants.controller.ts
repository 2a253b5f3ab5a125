import { Body, Controller, Get, Header, Headers, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { sortedEntries } from '../../domain/labels.js';
import type { ParticipantId } from '../../domain/subject.js';
import { decodeCursor, encodeCursor, isPosition, isTime } from '../../http/cursor.js';
import { etagOf, namesEtag } from '../../http/etag.js';
import { JSON_CONTENT_TYPE, jsonArray } from '../../http/json-text.js';
import { LargeReads } from '../../http/large-reads.js';
import { ApiTags } from '../../http/openapi/decorators.js';
import { invalidParameter, ProblemError } from '../../http/problem.js';
import { Access, Limits } from '../../http/route-options.js';
import { SourceNames } from '../../http/source-names.js';
import { DeduplicatedLog } from '../../observability/deduplicated-log.js';
import { LOG } from '../../observability/logging.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import { decodeRecord } from '../../storage/encoding/record-codec.js';
import { isSubjectKey, keyOf, type SubjectKey, subjectOf } from '../../storage/encoding/subject-key.js';
import { type FeedPosition, formatPosition } from '../../storage/feed-position.js';
import { isStoreUnavailable, type PageCursor, type StoredRecord } from '../../storage/ports.js';
import { PresenceReader } from '../read/presence-reader.js';
import { SharedReads } from '../read/shared-reads.js';
import { INDEXED_LABELS } from '../write/label-indexer.js';
import { refuseUnindexed } from './indexed-labels.js';
import { ApiGetParticipant, ApiListParticipants, ApiLookupParticipants } from './participant-operations.js';
import { LookupRequest, ParticipantsQuery, SubjectQuery } from './queries.js';
import { requestedSubject, subjectIn } from './requested-subject.js';
import { participantResponse, subjectMembers } from './responses.js';

/** 1,000 ids of 256 characters of up to four bytes. */
const LOOKUP_LIMIT_BYTES = 1_100_000;

/** A page with its items already serialised, so that concurrent identical requests share that work. */
interface PageText {
  readonly text: string;
  readonly unreadable: readonly string[];
  readonly position: FeedPosition;
  readonly next: PageCursor | null;
}

@ApiTags('participants')
@Controller('v1/participants')
export class ParticipantsController {
  readonly #pages = new SharedReads<PageText>();
  readonly #largeReads = new LargeReads(isStoreUnavailable);
  readonly #unreadable: DeduplicatedLog;

  constructor(
    private readonly reader: PresenceReader,
    private readonly sources: SourceNames,
    @Inject(INDEXED_LABELS) private readonly indexedLabels: readonly string[],
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) log: Logger,
  ) {
    this.#unreadable = new DeduplicatedLog(
      log,
      'a stored record cannot be read; its participant is missing from responses',
    );
  }

  @Get()
  @Access('read')
  @Header('content-type', JSON_CONTENT_TYPE)
  @ApiListParticipants()
  async list(@Query() { limit, cursor, ...query }: ParticipantsQuery): Promise<string> {
    const asOf = rfc3339(this.clock.now());
    refuseAvailabilityOfOthers(query);
    const { state, tag, source, scope, participantId, doubtful, availability, labels } = query;
    refuseUnindexed(labels, this.indexedLabels);
    const sorted = labels && sortedEntries(labels);
    const newer = [doubtful, availability, sorted].filter((value) => value !== undefined);
    const others = [source, scope, participantId, ...newer];
    const isPlain = others.every((value) => value === undefined);
    const filter = `${[...state].sort().join()} ${tag ?? ''}${isPlain ? '' : JSON.stringify(others)}`;
    const start = cursor === undefined ? null : toPageStart(cursor, filter);
    const readKey = JSON.stringify([filter, limit, cursor]);
    const filteredSource = this.sources.parse(source);
    const read = async () => {
      const { items, ...rest } = await this.reader.list(
        {
          states: state,
          tag,
          labels,
          scope,
          source: filteredSource,
          participantId: participantId as ParticipantId | undefined,
          isDoubtful: doubtful,
          availability,
        },
        start?.after ?? null,
        limit,
      );
      const unreadable: string[] = [];
      const text = await jsonArray(items, ({ key, record }) => {
        const item = this.#textOf(key, record);
        if (item === undefined) unreadable.push(subjectOf(key).participantId);
        return item;
      });
      return { ...rest, text, unreadable };
    };
    const page = await this.#pages.read(readKey, () => this.#largeReads.run(limit, read));
    const position = start?.position ?? formatPosition(page.position);
    const nextCursor = page.next && encodeCursor([page.next.sinceMs, page.next.key, position], filter);
    return withItems(page.text, {
      ...unreadableMember(page.unreadable),
      ...(nextCursor && { nextCursor }),
      position,
      asOf,
    });
  }

  @Get(':participantId')
  @Access('read')
  @ApiGetParticipant()
  async find(
    @Param('participantId') participantId: string,
    @Query() query: SubjectQuery,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const subject = requestedSubject(this.sources, participantId, query);
    const [record = null] = await this.reader.find([subject]);
    if (record === null) {
      throw new ProblemError('unknown-participant', { detail: 'No event of this participant is known.' });
    }
    const text = this.#textOf(keyOf(subject), record);
    if (text === undefined) throw new ProblemError('unreadable-record', { detail: 'The log has the details.' });
    const etag = etagOf(text);
    reply.headers({ etag, 'cache-control': 'no-cache' });
    if (namesEtag(ifNoneMatch, etag)) return void reply.code(304).send();
    reply.type(JSON_CONTENT_TYPE).send(text);
  }

  @Post('lookup')
  @Access('read')
  @Limits({ bodyLimitBytes: LOOKUP_LIMIT_BYTES })
  @HttpCode(200)
  @Header('content-type', JSON_CONTENT_TYPE)
  @ApiLookupParticipants()
  async lookup(@Body() { participantIds }: LookupRequest, @Query() query: SubjectQuery): Promise<string> {
    const asOf = rfc3339(this.clock.now());
    const subjects = participantIds.map((participantId) => subjectIn(this.sources, participantId, query));
    const unreadable: string[] = [];
    const items = await this.#largeReads.run(subjects.length, async () => {
      const records = await this.reader.find(subjects);
      return jsonArray(subjects, (subject, index) => {
        const record = records[index] ?? null;
        const item = record === null ? undefined : this.#textOf(keyOf(subject), record);
        if (record !== null && item === undefined) unreadable.push(subject.participantId);
        return item ?? JSON.stringify({ ...subjectMembers(subject), state: 'unknown' });
      });
    });
    return withItems(items, { ...unreadableMember(unreadable), asOf });
  }

  /** undefined: the record is unreadable. That is logged and must not fail a whole page. */
  #textOf(key: SubjectKey, record: StoredRecord): string | undefined {
    try {
      return JSON.stringify(participantResponse(decodeRecord(key, record)));
    } catch (error) {
      this.#unreadable.error(key, { err: error, ...subjectOf(key) });
      return undefined;
    }
  }
}

/** Throws a problem if the availability or the order does not go with the other parameters. */
function refuseAvailabilityOfOthers({ state, availability, order, participantId }: Partial<ParticipantsQuery>): void {
  if (availability !== undefined && availability !== 'unknown' && !state?.includes('connected')) {
    throw invalidParameter('availability', 'can only be unknown unless state includes connected');
  }
  if (order === undefined) return;
  if (availability !== 'available')
    throw invalidParameter('order', 'longest-available requires availability=available');
  if (participantId !== undefined) throw invalidParameter('order', 'cannot be combined with participantId');
}

function unreadableMember(unreadable: readonly string[]): { unreadable?: readonly string[] } {
  return unreadable.length > 0 ? { unreadable } : {};
}

/** A list response whose items are already serialised. */
function withItems(items: string, rest: Record<string, unknown>): string {
  return `{"items":${items},${JSON.stringify(rest).slice(1)}`;
}

function toPageStart(cursor: string, filter: string): { after: PageCursor; position: string } {
  const [sinceMs, key, position] = decodeCursor(cursor, [isTime, isSubjectKey, isPosition], filter);
  return {
    after: { sinceMs: Number(sinceMs), key: key as SubjectKey },
    position: String(position),
  };
}
