import { Body, Controller, Get, Header, HttpCode, Inject, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { CLOCK, type Clock } from '../platform/clock.js';
import { etagOf, namesEtag } from '../platform/etag.js';
import type { ReadyAnswer } from '../platform/express-lane.js';
import { JSON_CONTENT_TYPE, jsonArray } from '../platform/json-text.js';
import { LargeReads } from '../platform/large-reads.js';
import { LOG } from '../platform/logging.js';
import { OnceLog } from '../platform/once-log.js';
import { ApiTags } from '../platform/openapi-decorators.js';
import { invalidParameter, ProblemError } from '../platform/problem.js';
import { rfc3339 } from '../platform/rfc3339.js';
import { Access, Limits } from '../platform/route-options.js';
import { refuseParameters } from '../platform/validation.js';
import { participantAnswer } from './answers.js';
import { decodeCursor, encodeCursor, isIdentifier, isPosition, isTime } from './cursor.js';
import type { ParticipantId } from './domain/lifecycle-event.js';
import { type FeedPosition, formatPosition } from './feed-position.js';
import { identifierFault } from './identifier.js';
import { ApiGetParticipant, ApiListParticipants, ApiLookupParticipants } from './participant-operations.js';
import { PresenceReader } from './presence-reader.js';
import type { PageCursor, StoredRecord } from './presence-store.js';
import { LookupQuestion, NoQuery, ParticipantsQuery } from './questions.js';
import { decodeRecord } from './record-codec.js';
import { SharedReads } from './shared-reads.js';

/** 1,000 ids of 256 characters, each of them up to four bytes. */
const LOOKUP_LIMIT_BYTES = 1_100_000;

/** An address of its own, and no participant's. */
const LOOKUP = 'lookup';

/** A page whose items are JSON text already: who asks for the same one shares it. */
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
  readonly #largeReads = new LargeReads();
  readonly #unreadable: OnceLog;

  constructor(
    private readonly reader: PresenceReader,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) log: Logger,
  ) {
    this.#unreadable = new OnceLog(log, 'a stored record cannot be read; its participant is missing from responses');
  }

  @Get()
  @Access('read')
  @Header('content-type', JSON_CONTENT_TYPE)
  @ApiListParticipants()
  async list(@Query() { state, tag, limit, cursor }: ParticipantsQuery): Promise<string> {
    const asOf = rfc3339(this.clock.now());
    const filter = `${[...state].sort().join()} ${tag ?? ''}`;
    const start = cursor === undefined ? null : toPageStart(cursor, filter);
    const question = JSON.stringify([state, tag, limit, cursor]);
    const read = async () => {
      const { items, ...rest } = await this.reader.list(
        { states: state, ...(tag && { tag }) },
        start?.after ?? null,
        limit,
      );
      const unreadable: string[] = [];
      const text = await jsonArray(items, ({ participantId, record }) => {
        const item = this.#textOf(participantId, record);
        if (item === undefined) unreadable.push(participantId);
        return item;
      });
      return { ...rest, text, unreadable };
    };
    const page = await this.#pages.ask(question, () => this.#largeReads.run(limit, read));
    const position = start?.position ?? formatPosition(page.position);
    const nextCursor = page.next && encodeCursor([page.next.sinceMs, page.next.participantId, position], filter);
    return withItems(page.text, { ...named(page.unreadable), ...(nextCursor && { nextCursor }), position, asOf });
  }

  @Get(':participantId')
  @Access('read')
  @ApiGetParticipant()
  async find(@Req() { params, query, headers }: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { participantId } = params as { participantId: string };
    refuseParameters(query);
    const fault = identifierFault(participantId);
    if (fault) throw invalidParameter('participantId', fault);
    const answer = await this.#answerOf(participantId, headers['if-none-match'], {});
    reply.code(answer.status).headers(answer.headers).send(answer.text);
  }

  /** `find` ahead of the router, with `headers` in its answer; undefined: it is for the router. See express-lane.ts. */
  findUsual(participantId: string, ifNoneMatch: string | undefined, headers: Readonly<Record<string, string>>) {
    if (participantId === LOOKUP || identifierFault(participantId)) return undefined;
    return this.#answerOf(participantId, ifNoneMatch, headers);
  }

  @Post(LOOKUP)
  @Access('read')
  @Limits({ bodyLimitBytes: LOOKUP_LIMIT_BYTES })
  @HttpCode(200)
  @Header('content-type', JSON_CONTENT_TYPE)
  @ApiLookupParticipants()
  async lookup(@Body() { participantIds }: LookupQuestion, @Query() _: NoQuery): Promise<string> {
    const asOf = rfc3339(this.clock.now());
    const ids = participantIds as ParticipantId[];
    const unreadable: string[] = [];
    const items = await this.#largeReads.run(ids.length, async () => {
      const records = await this.reader.find(ids);
      return jsonArray(ids, (participantId, index) => {
        const record = records[index] ?? null;
        const item = record === null ? undefined : this.#textOf(participantId, record);
        if (record !== null && item === undefined) unreadable.push(participantId);
        return item ?? JSON.stringify({ participantId, state: 'unknown' });
      });
    });
    return withItems(items, { ...named(unreadable), asOf });
  }

  /** Throws a problem when the participant is not known. */
  async #answerOf(
    participantId: string,
    ifNoneMatch: string | undefined,
    headers: Readonly<Record<string, string>>,
  ): Promise<ReadyAnswer> {
    const [record = null] = await this.reader.find([participantId as ParticipantId]);
    if (record === null)
      throw new ProblemError('unknown-participant', { detail: 'No event of this participant is known.' });
    const text = this.#textOf(participantId as ParticipantId, record);
    if (text === undefined) throw new ProblemError('unreadable-record', { detail: 'The log says more.' });
    const etag = etagOf(text);
    const known = { ...headers, etag, 'cache-control': 'no-cache' };
    if (namesEtag(ifNoneMatch, etag)) return { status: 304, headers: known };
    return { status: 200, headers: { ...known, 'content-type': JSON_CONTENT_TYPE }, text };
  }

  /** undefined: the record cannot be read. That is logged, and no reason to fail a whole page. */
  #textOf(participantId: ParticipantId, record: StoredRecord): string | undefined {
    try {
      return participantText(participantId, record);
    } catch (error) {
      this.#unreadable.error(participantId, { err: error, participantId });
      return undefined;
    }
  }
}

function participantText(participantId: ParticipantId, record: StoredRecord): string {
  return JSON.stringify(participantAnswer(decodeRecord(participantId, record)));
}

/** The participants whose record cannot be read, if there are any. */
function named(unreadable: readonly string[]): { unreadable?: readonly string[] } {
  return unreadable.length > 0 ? { unreadable } : {};
}

/** The answer of a list whose items are JSON text already. */
function withItems(items: string, rest: Record<string, unknown>): string {
  return `{"items":${items},${JSON.stringify(rest).slice(1)}`;
}

function toPageStart(cursor: string, filter: string): { after: PageCursor; position: string } {
  const [sinceMs, participantId, position] = decodeCursor(cursor, [isTime, isIdentifier, isPosition], filter);
  return {
    after: { sinceMs: Number(sinceMs), participantId: participantId as ParticipantId },
    position: String(position),
  };
}
