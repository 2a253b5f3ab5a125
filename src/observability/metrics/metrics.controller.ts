import { Controller, Get, Headers, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '../../http/openapi/decorators.js';
import { NoQuery } from '../../http/query-parameters.js';
import { Access, Limits } from '../../http/route-options.js';
import { render } from './exposition.js';
import { WorkerMetrics } from './worker-metrics.js';

const EXAMPLE = `# HELP rollcall_callbacks_total Callbacks received, by source and outcome.
# TYPE rollcall_callbacks_total counter
rollcall_callbacks_total{source="bandwidth",outcome="accepted"} 42
`;

/** Not registered if METRICS_PORT is set; see metrics-server.ts. */
@ApiTags('operations')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: WorkerMetrics) {}

  /** Also answered while the in-flight limit is reached, which the metrics then show. */
  @Get()
  @Access('metrics')
  @Limits({ hasOwnLimit: true })
  @ApiOperation({
    operationId: 'getMetrics',
    summary: 'Get the metrics',
    description:
      'In the text format of Prometheus or, if the Accept header names it, in that of OpenMetrics. With WORKERS, the sum over ' +
      'all workers. docs/metrics.md explains each metric.',
  })
  @ApiProduces('text/plain')
  @ApiOkResponse({ schema: { type: 'string' }, description: 'The current values.', example: EXAMPLE })
  async get(@Query() _: NoQuery, @Headers('accept') accept: string | undefined, @Res() reply: FastifyReply) {
    const { contentType, text } = await render(await this.metrics.total(), accept);
    await reply.header('content-type', contentType).send(text);
  }
}
