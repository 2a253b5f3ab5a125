import { Controller, Get, HttpException, Inject, Query, Req } from '@nestjs/common';
import { type HealthCheckResult, HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import type { FastifyRequest } from 'fastify';
import { ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '../platform/openapi-decorators.js';
import { ProblemError } from '../platform/problem.js';
import { Access, Probe } from '../platform/route-options.js';
import { DeadlineWorker } from '../presence/deadlines.js';
import { PRESENCE_STORE } from '../presence/presence.module.js';
import type { PresenceStore } from '../presence/presence-store.js';
import { NoQuery } from '../presence/questions.js';

const RETRY_SOON = { 'retry-after': '1' };

@ApiTags('health')
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly deadlines: DeadlineWorker,
    @Inject(PRESENCE_STORE) private readonly store: PresenceStore,
  ) {}

  @Get('live')
  @Access('public')
  @Probe('liveness')
  @ApiOperation({ summary: 'Whether the process is up' })
  @ApiOkResponse({ schema: { type: 'object', properties: { status: { enum: ['ok'] } } } })
  live(@Query() _: NoQuery): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  @Access('public')
  @Probe('readiness')
  @ApiOperation({ summary: 'Whether callbacks can be taken: the store can be written, deadlines are kept' })
  @ApiOkResponse({
    schema: {
      type: 'object',
      properties: { status: { enum: ['ok'] }, details: { type: 'object', additionalProperties: { type: 'object' } } },
    },
  })
  @ApiResponse({ status: 503, description: 'Says which is not, with its `details`.' })
  async ready(
    @Query() _: NoQuery,
    @Req() { access }: FastifyRequest,
  ): Promise<HealthCheckResult | Pick<HealthCheckResult, 'status'>> {
    try {
      const result = await this.health.check([() => this.#storeHealth(), () => this.#deadlineHealth()]);
      return access.isKnown ? result : { status: result.status };
    } catch (error) {
      throw access.isKnown
        ? toProblem(error)
        : new ProblemError('not-ready', { detail: 'A key is told why.', headers: RETRY_SOON });
    }
  }

  async #storeHealth() {
    const indicator = this.indicators.check('store');
    return this.store.check().then(
      () => indicator.up(),
      () => indicator.down('cannot be reached or written to'),
    );
  }

  async #deadlineHealth() {
    const indicator = this.indicators.check('deadlines');
    return this.deadlines.isAlive() ? indicator.up() : indicator.down('no round has ended for a while');
  }
}

function toProblem(error: unknown): unknown {
  if (!(error instanceof HttpException)) return error;
  const { details } = error.getResponse() as HealthCheckResult;
  const down = Object.entries(details).filter(([, { status }]) => status === 'down');
  const detail = down.map(([name, { message }]) => `${name} ${message}`).join('; ');
  return new ProblemError('not-ready', { detail, headers: RETRY_SOON, extension: { details } });
}
