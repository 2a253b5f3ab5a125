import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProblems, ApiTags } from '../../http/openapi/decorators.js';
import { NoQuery } from '../../http/query-parameters.js';
import { Access } from '../../http/route-options.js';
import { RECONCILIATION, Reconciliation, type ReconciliationSettings } from '../reconciliation.js';
import { NEW_STATE } from '../source-state.js';
import { EXAMPLE, ReconciliationResponse, responseOf } from './responses.js';

/** Of each configured source, in their order. */
export interface SourceSummary {
  readonly name: string;
  /** The names of the settings that would have to be set; undefined: the dialect has no API to ask. */
  readonly needs: readonly string[] | undefined;
}

export const SOURCE_SUMMARIES = Symbol('SourceSummaries');

@ApiTags('operations')
@Controller('v1/reconciliation')
export class ReconciliationController {
  constructor(
    private readonly reconciliation: Reconciliation,
    @Inject(RECONCILIATION) private readonly settings: ReconciliationSettings,
    @Inject(SOURCE_SUMMARIES) private readonly sources: readonly SourceSummary[],
  ) {}

  @Get()
  @Access('admin')
  @ApiOperation({
    operationId: 'getReconciliation',
    summary: 'Show how presence agrees with the providers',
    description:
      'For each source: the last poll of the list of the provider, how far presence differed from it, and what was corrected. ' +
      'The same on every node.',
  })
  @ApiOkResponse({ type: ReconciliationResponse, example: EXAMPLE })
  @ApiProblems('store-unavailable')
  async get(@Query() _: NoQuery): Promise<ReconciliationResponse> {
    const { intervalMs, sources: observed } = this.settings;
    const states = await this.reconciliation.states();
    const items = this.sources.map(({ name, needs }) => {
      const source = observed.find((one) => one.name === name);
      return responseOf({ name, needs, intervalMs, source, state: states.get(name) ?? NEW_STATE });
    });
    return { items };
  }
}
