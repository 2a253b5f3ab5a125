import { Controller, Get, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiOkResponse, ApiOperation, ApiProblems, ApiTags } from '../../http/openapi/decorators.js';
import { ProblemError } from '../../http/problem.js';
import { NoQuery } from '../../http/query-parameters.js';
import { Access, Probe } from '../../http/route-options.js';
import { LIVE_SCHEMA, READY_EXAMPLE, READY_SCHEMA } from './health-schemas.js';
import { Readiness, type ReadinessReport } from './readiness.js';

const RETRY_SOON = { 'retry-after': '1' };

@ApiTags('health')
@Controller('health')
export class HealthController {
  #isDraining = false;

  constructor(private readonly readiness: Readiness) {}

  /** Makes readiness fail from now on, so that load balancers send new requests elsewhere. */
  drain(): void {
    this.#isDraining = true;
  }

  @Get('live')
  @Access('public')
  @Probe('liveness')
  @ApiOperation({
    operationId: 'getLiveness',
    summary: 'Check that the process is up',
    description: 'For liveness probes. It does not check the store.',
  })
  @ApiOkResponse({ schema: LIVE_SCHEMA, description: 'The process is up.', example: { status: 'ok' } })
  live(@Query() _: NoQuery): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  @Access('public')
  @Probe('readiness')
  @ApiOperation({
    operationId: 'getReadiness',
    summary: 'Check that callbacks can be accepted',
    description:
      'For readiness probes: the store can be written to or, while Redis is unavailable, the spool can; the deadline worker is ' +
      'running; and the service is not stopping. While events are spooled, reads get 503. Callers with an API key also get ' +
      'the state of each component.',
  })
  @ApiOkResponse({ schema: READY_SCHEMA, description: 'Callbacks can be accepted.', example: READY_EXAMPLE })
  @ApiProblems('not-ready')
  async ready(
    @Query() _: NoQuery,
    @Req() { access }: FastifyRequest,
  ): Promise<ReadinessReport | Pick<ReadinessReport, 'status'>> {
    if (this.#isDraining) throw drainingProblem();
    const report = await this.readiness.check();
    if (report.status === 'error') throw notReadyProblem(access.canSeeDetails ? report : undefined);
    return access.canSeeDetails ? report : { status: 'ok' };
  }
}

/** Shown to callers without a key as well: that the service is stopping is visible anyway. */
function drainingProblem(): ProblemError {
  const detail = 'The service is stopping: send new requests to another node.';
  return new ProblemError('not-ready', { detail, headers: RETRY_SOON });
}

/** `report`: undefined if the caller may not see it. */
function notReadyProblem(report: ReadinessReport | undefined): ProblemError {
  if (!report) {
    return new ProblemError('not-ready', { detail: 'Send an API key to see which check failed.', headers: RETRY_SOON });
  }
  const { error, details } = report;
  const detail = Object.entries(error)
    .map(([name, { message = 'is down' }]) => `${name} ${message}`)
    .join('; ');
  return new ProblemError('not-ready', { detail, headers: RETRY_SOON, extension: { details } });
}
