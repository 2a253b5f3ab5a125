import { Controller, Get, HttpException, Inject, Query, Req } from '@nestjs/common';
import {
  type HealthCheckResult,
  HealthCheckService,
  type HealthIndicatorResult,
  HealthIndicatorService,
} from '@nestjs/terminus';
import type { FastifyRequest } from 'fastify';
import { ApiOkResponse, ApiOperation, ApiProblems, ApiTags } from '../../http/openapi/decorators.js';
import { ProblemError } from '../../http/problem.js';
import { NoQuery } from '../../http/query-parameters.js';
import { Access, Probe } from '../../http/route-options.js';
import { HEALTH_CHECKS, type HealthCheck } from './health-check.js';
import { LIVE_SCHEMA, READY_EXAMPLE, READY_SCHEMA } from './health-schemas.js';

const RETRY_SOON = { 'retry-after': '1' };
/** The check writes to the store, so all requests within this time share one result. */
const CHECK_LIFETIME_MS = 1_000;

@ApiTags('health')
@Controller('health')
export class HealthController {
  #result: Promise<HealthCheckResult> | undefined;
  #checkedAtMs = 0;
  #isDraining = false;

  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    @Inject(HEALTH_CHECKS) private readonly checks: readonly HealthCheck[],
  ) {}

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
      'For readiness probes: the store can be written to, the deadline worker is running, and the service is not ' +
      'stopping. Callers with an API key also get the state of each component.',
  })
  @ApiOkResponse({ schema: READY_SCHEMA, description: 'Callbacks can be accepted.', example: READY_EXAMPLE })
  @ApiProblems('not-ready')
  async ready(
    @Query() _: NoQuery,
    @Req() { access }: FastifyRequest,
  ): Promise<HealthCheckResult | Pick<HealthCheckResult, 'status'>> {
    if (this.#isDraining) throw drainingProblem();
    try {
      const result = await this.#checkAll();
      return access.canSeeDetails ? result : { status: result.status };
    } catch (error) {
      throw access.canSeeDetails
        ? toProblem(error)
        : new ProblemError('not-ready', { detail: 'Send an API key to see which check failed.', headers: RETRY_SOON });
    }
  }

  /** Rejects, as Terminus does, when a component is down. */
  #checkAll(): Promise<HealthCheckResult> {
    const nowMs = performance.now();
    if (!this.#result || nowMs - this.#checkedAtMs >= CHECK_LIFETIME_MS) {
      this.#result = this.health.check(this.checks.map((check) => () => this.#indicate(check)));
      this.#checkedAtMs = nowMs;
    }
    return this.#result;
  }

  async #indicate({ name, fault }: HealthCheck): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(name);
    const found = await fault();
    return found === undefined ? indicator.up() : indicator.down(found);
  }
}

/** Shown to callers without a key as well: that the service is stopping is visible anyway. */
function drainingProblem(): ProblemError {
  const detail = 'The service is stopping: send new requests to another node.';
  return new ProblemError('not-ready', { detail, headers: RETRY_SOON });
}

function toProblem(error: unknown): unknown {
  if (!(error instanceof HttpException)) return error;
  const { details } = error.getResponse() as HealthCheckResult;
  const down = Object.entries(details).filter(([, { status }]) => status === 'down');
  const detail = down.map(([name, { message }]) => `${name} ${message}`).join('; ');
  return new ProblemError('not-ready', { detail, headers: RETRY_SOON, extension: { details } });
}
