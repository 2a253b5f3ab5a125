// Explains the presence of one participant, for support and for operators.
import { Controller, Get, Header, Inject, Param, Query } from '@nestjs/common';
import type { Logger } from 'pino';
import { MAX_KEPT_EVENTS } from '../../domain/device-history.js';
import { MAX_DEVICES, MAX_DEVICES_WITHOUT_CONNECT } from '../../domain/eviction.js';
import { explain } from '../../domain/explain.js';
import type { ParticipantRecord } from '../../domain/participant.js';
import { MAX_KEPT_ENDS } from '../../domain/participant-ends.js';
import type { PolicyOf } from '../../domain/policy.js';
import type { Subject } from '../../domain/subject.js';
import { JSON_CONTENT_TYPE } from '../../http/json-text.js';
import { LargeReads } from '../../http/large-reads.js';
import { ApiOkResponse, ApiOperation, ApiProblems, ApiTags } from '../../http/openapi/decorators.js';
import { EXPLANATION_EXAMPLE } from '../../http/openapi/examples.js';
import { ProblemError } from '../../http/problem.js';
import { Access } from '../../http/route-options.js';
import { SourceNames } from '../../http/source-names.js';
import { DeduplicatedLog } from '../../observability/deduplicated-log.js';
import { LOG } from '../../observability/logging.js';
import { decodeRecord } from '../../storage/encoding/record-codec.js';
import { keyOf } from '../../storage/encoding/subject-key.js';
import { isStoreUnavailable, type StoredRecord } from '../../storage/ports.js';
import { PresenceReader } from '../read/presence-reader.js';
import { POLICY_OF } from '../write/recorder.js';
import { explanationResponse } from './explanation-response.js';
import { ExplanationResponse } from './explanation-schemas.js';
import { ApiParticipantId } from './participant-operations.js';
import { SubjectQuery } from './queries.js';
import { requestedSubject } from './requested-subject.js';

/** In one response: each device has its own events, those of all devices, and the end by a newer device and by time. */
const MAX_STEPS = (MAX_DEVICES + MAX_DEVICES_WITHOUT_CONNECT) * (MAX_KEPT_EVENTS + MAX_KEPT_ENDS + 2);

@ApiTags('participants')
@Controller('v1/participants/:participantId')
export class ExplainController {
  readonly #largeReads = new LargeReads(isStoreUnavailable);
  readonly #unreadable: DeduplicatedLog;

  constructor(
    private readonly reader: PresenceReader,
    private readonly sources: SourceNames,
    @Inject(POLICY_OF) private readonly policyOf: PolicyOf,
    @Inject(LOG) log: Logger,
  ) {
    this.#unreadable = new DeduplicatedLog(log, 'a stored record cannot be read; its participant cannot be explained');
  }

  @Get('explain')
  @Access('read')
  @Header('content-type', JSON_CONTENT_TYPE)
  @ApiOperation({
    operationId: 'explainParticipant',
    summary: 'Explain the presence of one participant',
    description:
      'Lists the events that are kept, in the order in which they count, with how late each was received, the rule that it ' +
      'met and what that led to; and what changes next if nothing is received. docs/rules.md has a table of the rules.',
  })
  @ApiParticipantId()
  @ApiOkResponse({ type: ExplanationResponse, description: 'The explanation.', example: EXPLANATION_EXAMPLE })
  @ApiProblems('unknown-participant', 'unreadable-record', 'uri-too-long', 'store-unavailable')
  async explain(@Param('participantId') participantId: string, @Query() query: SubjectQuery): Promise<string> {
    const subject = requestedSubject(this.sources, participantId, query);
    return this.#largeReads.run(MAX_STEPS, () => this.#explain(subject));
  }

  async #explain(subject: Subject): Promise<string> {
    const [stored = null] = await this.reader.find([subject]);
    if (stored === null) {
      throw new ProblemError('unknown-participant', { detail: 'No event of this participant is known.' });
    }
    const record = this.#decode(subject, stored);
    return JSON.stringify(explanationResponse(record, explain(record, this.policyOf(subject.source))));
  }

  #decode(subject: Subject, stored: StoredRecord): ParticipantRecord {
    const key = keyOf(subject);
    try {
      return decodeRecord(key, stored);
    } catch (error) {
      this.#unreadable.error(key, { err: error, ...subject });
      throw new ProblemError('unreadable-record', { detail: 'The log has the details.' });
    }
  }
}
