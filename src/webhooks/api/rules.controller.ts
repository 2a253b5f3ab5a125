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
import { ApiTags } from '../../http/openapi/decorators.js';
import { NoQuery } from '../../http/query-parameters.js';
import { requestLog } from '../../http/request-log.js';
import { Access } from '../../http/route-options.js';
import { isRuleId, type Rule } from '../occupancy/rule.js';
import { Rules } from '../occupancy/rules.js';
import { ruleProblem } from './problems.js';
import { ApiChangeRule, ApiCreateRule, ApiDeleteRule, ApiGetRule, ApiListRules } from './rule-operations.js';
import { NEW_RULE, RuleRequest, ruleSettings } from './rule-requests.js';
import { type RuleResponse, type RulesResponse, ruleResponse } from './rule-responses.js';
import { expectedText, keyOfClient, valueWithEtag } from './stored-replies.js';

@ApiTags('webhooks')
@Controller('v1/webhooks/rules')
export class RulesController {
  constructor(private readonly rules: Rules) {}

  @Get()
  @Access('admin')
  @ApiListRules()
  async list(@Query() _: NoQuery): Promise<RulesResponse> {
    return { items: (await this.rules.list()).items.map(({ value }) => ruleResponse(value)) };
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
    const created = await this.rules.create(ruleSettings(NEW_RULE, body), keyOfClient(request, idempotencyKey));
    const rule = valueWithEtag(created, reply, ruleProblem);
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
    return ruleResponse(valueWithEtag((await this.rules.find(id)) ?? 'unknown', reply, ruleProblem));
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
    const stored = await this.rules.find(id);
    if (!stored) throw ruleProblem('unknown');
    const expected = expectedText(stored, ifMatch, ruleProblem);
    const change = (rule: Rule): Rule => ({ ...rule, ...ruleSettings(rule, patch) });
    const rule = valueWithEtag(await this.rules.change(stored.value.id, change, expected), reply, ruleProblem);
    requestLog(request).info({ rule: id }, 'a rule about occupancy was changed');
    return ruleResponse(rule);
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
    if (!isRuleId(id)) throw ruleProblem('unknown');
    const expected = expectedText(await this.rules.find(id), ifMatch, ruleProblem);
    const outcome = await this.rules.remove(id, expected);
    if (outcome !== 'done') throw ruleProblem(outcome);
    requestLog(request).info({ rule: id }, 'a rule about occupancy was deleted');
  }
}
