import { Controller, Get, HttpException, Inject, Query, Req } from '@nestjs/common';
import { type HealthCheckResult, HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import type { FastifyRequest } from 'fastify';
import { ApiOkResponse, ApiOperation, ApiProblems, ApiTags } from '../../http/openapi/decorators.js';
import { ProblemError } from '../../http/problem.js';
import { NoQuery } from '../../http/query-parameters.js';
import { Access, Probe } from '../../http/route-options.js';
import { PRESENCE_STORE } from '../../presence/presence.module.js';
import { DeadlineWorker } from '../../presence/write/deadline-worker.js';
import type { PresenceStore } from '../../storage/ports.js';
import { LIVE_SCHEMA, READY_EXAMPLE, READY_SCHEMA } from './health-schemas.js';

const RETRY_SOON = { 'retry-after': '1' };
/** A check writes to the store. All who ask within this time share one. */
const CHECK_LIFETIME_MS = 1_000;

@ApiTags('health')
@Controller('health')
export class HealthController {
  #check: Promise<void> | undefined;
  #checkedAtMs = 0;
  #isDraining = false;

  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly deadlines: DeadlineWorker,
    @Inject(PRESENCE_STORE) private readonly store: PresenceStore,
  ) {}

  /** From now on readiness fails, so that load balancers send new requests elsewhere. */
  drain(): void {
    this.#isDraining = true;
  }

  @Get('live')
  @Access('public')
  @Probe('liveness')
  @ApiOperation({
    operationId: 'getLiveness',
    summary: 'Check that the process is up',
    description: 'For liveness probes. It does not look at the store.',
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
    summary: 'Check that callbacks can be taken',
    description:
      'For readiness probes: the store can be written to, deadlines are kept, and the service is not stopping. Callers with an API key also get the ' +
      'state of each part.',
  })
  @ApiOkResponse({ schema: READY_SCHEMA, description: 'Callbacks can be taken.', example: READY_EXAMPLE })
  @ApiProblems('not-ready')
  async ready(
    @Query() _: NoQuery,
    @Req() { access }: FastifyRequest,
  ): Promise<HealthCheckResult | Pick<HealthCheckResult, 'status'>> {
    if (this.#isDraining) throw drainingProblem();
    try {
      const result = await this.health.check([() => this.#storeHealth(), () => this.#deadlineHealth()]);
      return access.isKnown ? result : { status: result.status };
    } catch (error) {
      throw access.isKnown
        ? toProblem(error)
        : new ProblemError('not-ready', { detail: 'Send an API key to see which check failed.', headers: RETRY_SOON });
    }
  }

  async #storeHealth() {
    const indicator = this.indicators.check('store');
    return this.#checkStore().then(
      () => indicator.up(),
      () => indicator.down('cannot be reached or written to'),
    );
  }

  #checkStore(): Promise<void> {
    const nowMs = performance.now();
    if (!this.#check || nowMs - this.#checkedAtMs >= CHECK_LIFETIME_MS) {
      this.#check = this.store.check();
      this.#checkedAtMs = nowMs;
    }
    return this.#check;
  }

  async #deadlineHealth() {
    const indicator = this.indicators.check('deadlines');
    return this.deadlines.isAlive() ? indicator.up() : indicator.down('no round has ended for a while');
  }
}

/** No secret: whoever sees it sees the service go. */
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
