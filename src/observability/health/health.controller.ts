import { Controller, Get, Inject, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiOkResponse, ApiOperation, ApiProblems, ApiTags } from '../../http/openapi/decorators.js';
import { ProblemError } from '../../http/problem.js';
import { NoQuery } from '../../http/query-parameters.js';
import { Access, Probe } from '../../http/route-options.js';
import { type ComponentHealth, HEALTH_CHECKS, type HealthCheck } from './health-check.js';
import { LIVE_SCHEMA, READY_EXAMPLE, READY_SCHEMA } from './health-schemas.js';

const RETRY_SOON = { 'retry-after': '1' };
/** The check writes to the store, so all requests within this time share one result. */
const CHECK_LIFETIME_MS = 1_000;

type Components = Readonly<Record<string, ComponentHealth>>;

interface Readiness {
  /** `error`: callbacks cannot be accepted. */
  readonly status: 'ok' | 'error';
  /** The components that are up. */
  readonly info: Components;
  /** Those that are down. */
  readonly error: Components;
  readonly details: Components;
}

@ApiTags('health')
@Controller('health')
export class HealthController {
  #result: Promise<Readiness> | undefined;
  #checkedAtMs = 0;
  #isDraining = false;

  constructor(@Inject(HEALTH_CHECKS) private readonly checks: readonly HealthCheck[]) {}

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
      'For readiness probes: the store can be written to or, while Redis is away, the spool can; the deadline worker is ' +
      'running; and the service is not stopping. While events are spooled, reads get 503. Callers with an API key also get ' +
      'the state of each component.',
  })
  @ApiOkResponse({ schema: READY_SCHEMA, description: 'Callbacks can be accepted.', example: READY_EXAMPLE })
  @ApiProblems('not-ready')
  async ready(@Query() _: NoQuery, @Req() { access }: FastifyRequest): Promise<Readiness | Pick<Readiness, 'status'>> {
    if (this.#isDraining) throw drainingProblem();
    const readiness = await this.#checkAll();
    if (readiness.status === 'error') throw notReadyProblem(access.canSeeDetails ? readiness : undefined);
    return access.canSeeDetails ? readiness : { status: 'ok' };
  }

  #checkAll(): Promise<Readiness> {
    const nowMs = performance.now();
    if (!this.#result || nowMs - this.#checkedAtMs >= CHECK_LIFETIME_MS) {
      this.#result = readinessOf(this.checks);
      this.#checkedAtMs = nowMs;
    }
    return this.#result;
  }
}

async function readinessOf(checks: readonly HealthCheck[]): Promise<Readiness> {
  const found = await Promise.all(checks.map(async (each) => ({ ...each, health: await each.check() })));
  const components = (matches: (health: ComponentHealth) => boolean): Components =>
    Object.fromEntries(found.filter(({ health }) => matches(health)).map(({ name, health }) => [name, health]));
  return {
    status: found.every(({ health, isOptional }) => health.status === 'up' || isOptional?.() === true) ? 'ok' : 'error',
    info: components(({ status }) => status === 'up'),
    error: components(({ status }) => status === 'down'),
    details: components(() => true),
  };
}

/** Shown to callers without a key as well: that the service is stopping is visible anyway. */
function drainingProblem(): ProblemError {
  const detail = 'The service is stopping: send new requests to another node.';
  return new ProblemError('not-ready', { detail, headers: RETRY_SOON });
}

/** `readiness`: undefined if the caller may not see it. */
function notReadyProblem(readiness: Readiness | undefined): ProblemError {
  if (!readiness) {
    return new ProblemError('not-ready', { detail: 'Send an API key to see which check failed.', headers: RETRY_SOON });
  }
  const { error, details } = readiness;
  const detail = Object.entries(error)
    .map(([name, { message = 'is down' }]) => `${name} ${message}`)
    .join('; ');
  return new ProblemError('not-ready', { detail, headers: RETRY_SOON, extension: { details } });
}
