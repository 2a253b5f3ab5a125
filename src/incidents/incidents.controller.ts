// Losses of data that an operator has to know of.
import { Controller, Get, HttpCode, HttpStatus, Inject, Param, Post, Query } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProblems,
  ApiProperty,
  ApiPropertyOptional,
  ApiResponse,
  ApiTags,
} from '../http/openapi/decorators.js';
import { TIME_EXAMPLE } from '../http/openapi/examples.js';
import { ProblemError } from '../http/problem.js';
import { NoQuery } from '../http/query-parameters.js';
import { Access } from '../http/route-options.js';
import { Metrics } from '../observability/metrics/metrics.js';
import { rfc3339 } from '../runtime/rfc3339.js';
import type { IncidentStore } from '../storage/ports.js';
import { INCIDENT_STORE } from '../storage/tokens.js';

const ID_EXAMPLE = 'store-rolled-back-1b4e28ba-9f86d081';

class IncidentResponse {
  @ApiProperty({ type: String, example: ID_EXAMPLE })
  id: string;

  @ApiProperty({
    enum: ['store-emptied', 'store-rolled-back'],
    example: 'store-rolled-back',
    description:
      '`store-emptied`: Redis lost all data. `store-rolled-back`: Redis came back with older data. In both cases the events of ' +
      'the last REPLAY_WINDOW_MS were applied again; older ones are lost.',
  })
  kind: string;

  @ApiProperty({ format: 'date-time', example: TIME_EXAMPLE })
  detectedAt: string;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    example: TIME_EXAMPLE,
    description: 'Only of `store-rolled-back`, if known: events recorded from about this time on may be lost.',
  })
  lostFrom?: string;
}

class IncidentsResponse {
  @ApiProperty({ type: [IncidentResponse], description: 'Those that have not been acknowledged, oldest first.' })
  items: IncidentResponse[];
}

@ApiTags('operations')
@Controller('v1/incidents')
export class IncidentsController {
  constructor(
    @Inject(INCIDENT_STORE) private readonly incidents: IncidentStore,
    metrics: Metrics,
  ) {
    const open = metrics.gauge({
      name: 'rollcall_open_incidents',
      help: 'Losses of data that have not been acknowledged.',
      aggregation: 'max',
    });
    metrics.collect(async () => open.set((await incidents.list()).length));
  }

  @Get()
  @Access('admin')
  @ApiOperation({
    operationId: 'listIncidents',
    summary: 'List losses of data',
    description:
      'Acknowledged events that the store has lost. Compare presence with what your application knows, end the ghosts, then ' +
      'acknowledge the incident. With SQLite there are none: a file that has lost data is not opened.',
  })
  @ApiOkResponse({
    type: IncidentsResponse,
    example: {
      items: [{ id: ID_EXAMPLE, kind: 'store-rolled-back', detectedAt: TIME_EXAMPLE, lostFrom: TIME_EXAMPLE }],
    },
  })
  @ApiProblems('store-unavailable')
  async list(@Query() _: NoQuery): Promise<IncidentsResponse> {
    const found = await this.incidents.list();
    const items = found.map(({ id, kind, detectedAtMs, lostFromMs }) => ({
      id,
      kind,
      detectedAt: rfc3339(detectedAtMs),
      ...(lostFromMs !== undefined && { lostFrom: rfc3339(lostFromMs) }),
    }));
    return { items };
  }

  @Post(':id/acknowledge')
  @Access('admin')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'acknowledgeIncident',
    summary: 'Acknowledge a loss of data',
    description: 'Once an operator has dealt with it, so that it is no longer listed or shown by the readiness probe.',
  })
  @ApiParam({ name: 'id', description: 'From the list.', schema: { type: 'string', example: ID_EXAMPLE } })
  @ApiResponse({ status: 204, description: 'It is no longer listed.' })
  @ApiProblems('unknown-incident', 'uri-too-long', 'store-unavailable')
  async acknowledge(@Param('id') id: string, @Query() _: NoQuery): Promise<void> {
    if (await this.incidents.acknowledge(id)) return;
    throw new ProblemError('unknown-incident', { detail: 'There is no such incident, or it was acknowledged before.' });
  }
}
