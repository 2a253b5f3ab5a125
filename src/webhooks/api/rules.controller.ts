import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  HttpStatus,
  Param,
  Patch,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { etagOf, namesEtag } from '../../http/etag.js';
import { ApiTags } from '../../http/openapi/decorators.js';
import { NoQuery } from '../../http/query-parameters.js';
import { requestLog } from '../../http/request-log.js';
import { Access } from '../../http/route-options.js';
import { type RuleFault, Rules, type StoredRule } from '../occupancy/rules.js';
import { ruleProblem } from './problems.js';
import { ApiChangeRule, ApiCreateRule, ApiDeleteRule, ApiGetRule, ApiListRules } from './rule-operations.js';
import { NEW_RULE, RuleRequest, ruleSettings } from './rule-requests.js';
import { type RuleResponse, type RulesResponse, ruleResponse } from './rule-responses.js';

@ApiTags('webhooks')
@Controller('v1/webhooks/rules')
export class RulesController {
  constructor(private readonly rules: Rules) {}

  @Get()
  @Access('admin')
  @ApiListRules()
  async list(@Query() _: NoQuery): Promise<RulesResponse> {
    return { items: (await this.rules.list()).map(({ rule }) => ruleResponse(rule)) };
  }

  @Post()
  @Access('admin')
  @ApiCreateRule()
  async create(
    @Req() request: FastifyRequest,
    @Body() body: RuleRequest,
    @Query() _: NoQuery,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RuleResponse> {
    // Keys of different clients may have the same text.
    const key = idempotencyKey === undefined ? undefined : `${request.access?.keyName ?? ''} ${idempotencyKey}`;
    const { rule } = this.#send(await this.rules.create(ruleSettings(NEW_RULE, body), key), reply);
    requestLog(request).info({ rule: rule.id }, 'a rule about occupancy was created');
    return ruleResponse(rule);
  }

  @Get(':id')
  @Access('admin')
  @ApiGetRule()
  async find(
    @Param('id') id: string,
    @Query() _: NoQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RuleResponse> {
    return ruleResponse(this.#send((await this.rules.find(id)) ?? 'unknown', reply).rule);
  }

  @Patch(':id')
  @Access('admin')
  @ApiChangeRule()
  async change(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @Body() patch: RuleRequest,
    @Query() _: NoQuery,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RuleResponse> {
    const { rule, text } = await this.#findForChange(id, ifMatch);
    const expected = ifMatch === undefined ? undefined : text;
    const changed = await this.rules.change(rule.id, (before) => ruleSettings(before, patch), expected);
    const stored = this.#send(changed, reply);
    requestLog(request).info({ rule: id }, 'a rule about occupancy was changed');
    return ruleResponse(stored.rule);
  }

  @Delete(':id')
  @Access('admin')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiDeleteRule()
  async remove(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @Query() _: NoQuery,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    const { rule, text } = await this.#findForChange(id, ifMatch);
    const outcome = await this.rules.remove(rule.id, ifMatch === undefined ? undefined : text);
    if (outcome !== 'done') throw ruleProblem(outcome);
    requestLog(request).info({ rule: id }, 'a rule about occupancy was deleted');
  }

  async #findForChange(id: string, ifMatch: string | undefined): Promise<StoredRule> {
    const stored = await this.rules.find(id);
    if (!stored) throw ruleProblem('unknown');
    if (ifMatch !== undefined && !namesEtag(ifMatch, etagOf(stored.text))) throw ruleProblem('changed');
    return stored;
  }

  #send(stored: StoredRule | RuleFault, reply: FastifyReply): StoredRule {
    if (typeof stored === 'string') throw ruleProblem(stored);
    reply.header('etag', etagOf(stored.text));
    return stored;
  }
}
