// The responses about rules.
import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';
import { TIME_EXAMPLE } from '../../http/openapi/examples.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import { RULE_METRICS, type Rule, type RuleSettings } from '../occupancy/rule.js';

export const RULE_ID_EXAMPLE = 'rule_hJ6qXv1mT0a4Zr8K';

/** What a rule asks for, as it is also sent to endpoints. */
export class RuleConditionResponse {
  @ApiProperty({ type: String, example: RULE_ID_EXAMPLE })
  id: string;

  @ApiPropertyOptional({ type: String, example: 'Somebody must answer' })
  description?: string;

  @ApiPropertyOptional({ type: String, example: 'support', description: 'Either this or `tagPrefix`.' })
  tag?: string;

  @ApiPropertyOptional({ type: String, example: 'support/' })
  tagPrefix?: string;

  @ApiProperty({ type: String, enum: RULE_METRICS, example: 'connected' })
  metric: RuleSettings['metric'];

  @ApiPropertyOptional({ type: 'integer', example: 2, description: 'Either this or `above`.' })
  below?: number;

  @ApiPropertyOptional({ type: 'integer', example: 100 })
  above?: number;

  @ApiProperty({ type: 'integer', example: 30_000 })
  forMs: number;
}

export class RuleResponse extends RuleConditionResponse {
  @ApiProperty({ format: 'date-time', example: TIME_EXAMPLE })
  createdAt: string;

  @ApiProperty({ format: 'date-time', example: TIME_EXAMPLE })
  updatedAt: string;
}

export class RulesResponse {
  @ApiProperty({ type: [RuleResponse], description: 'All of them, sorted by id.' })
  items: RuleResponse[];
}

export const RULE_EXAMPLE = {
  id: RULE_ID_EXAMPLE,
  tag: 'support',
  metric: 'connected',
  below: 2,
  forMs: 30_000,
  createdAt: TIME_EXAMPLE,
  updatedAt: TIME_EXAMPLE,
} as const;

export function ruleResponse(rule: Rule): RuleResponse {
  const { id, description, tag, tagPrefix, metric, below, above, forMs, createdAtMs, updatedAtMs } = rule;
  return {
    id,
    ...(description !== undefined && { description }),
    ...(tag !== undefined && { tag }),
    ...(tagPrefix !== undefined && { tagPrefix }),
    metric,
    ...(below !== undefined && { below }),
    ...(above !== undefined && { above }),
    forMs,
    createdAt: rfc3339(createdAtMs),
    updatedAt: rfc3339(updatedAtMs),
  };
}
