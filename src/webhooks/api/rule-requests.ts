// Request bodies about rules, and the settings that they ask for.
import { IsIn, IsInt, Max, Min } from 'class-validator';
import { ApiPropertyOptional } from '../../http/openapi/decorators.js';
import { invalidParameter } from '../../http/problem.js';
import { RULE_METRICS, type RuleSettings } from '../occupancy/rule.js';
import { Absent, changed, MAX_TAG_LENGTH, Nullable, Text } from './members.js';

const MAX_COUNT = 1_000_000;
const MAX_FOR_MS = 86_400_000;

const COUNT = { message: `must be a whole number from 0 to ${MAX_COUNT}` };
const BELOW = { message: `must be a whole number from 1 to ${MAX_COUNT}` };
const FOR = { message: `must be a whole number from 0 to ${MAX_FOR_MS}` };
const METRIC = { message: `must be ${RULE_METRICS.join(' or ')}` };

/** For a rule that is made, and for one that is changed. */
export class RuleRequest {
  @Text('Somebody must answer', 256, 'For humans.')
  description?: string | null;

  @Text('support', MAX_TAG_LENGTH, 'Counts participants with exactly this tag. Either this or `tagPrefix`.')
  tag?: string | null;

  @Text(null, MAX_TAG_LENGTH, 'Counts participants whose tags begin with it, all together.')
  tagPrefix?: string | null;

  @ApiPropertyOptional({
    type: String,
    enum: RULE_METRICS,
    default: 'connected',
    example: 'connected',
    description: 'Which participants are counted. `available`: those who are connected and can be given work.',
  })
  @Absent()
  @IsIn(RULE_METRICS, METRIC)
  metric?: RuleSettings['metric'];

  @ApiPropertyOptional({
    type: 'integer',
    nullable: true,
    minimum: 1,
    maximum: MAX_COUNT,
    example: 2,
    description: 'The rule is broken while fewer are counted. Either this or `above`.',
  })
  @Nullable()
  @IsInt(BELOW)
  @Min(1, BELOW)
  @Max(MAX_COUNT, BELOW)
  below?: number | null;

  @ApiPropertyOptional({
    type: 'integer',
    nullable: true,
    minimum: 0,
    maximum: MAX_COUNT,
    example: null,
    description: 'The rule is broken while more are counted.',
  })
  @Nullable()
  @IsInt(COUNT)
  @Min(0, COUNT)
  @Max(MAX_COUNT, COUNT)
  above?: number | null;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: MAX_FOR_MS,
    default: 0,
    example: 30_000,
    description: 'How long it must be broken before `occupancy.alert` is sent, in milliseconds.',
  })
  @Absent()
  @IsInt(FOR)
  @Min(0, FOR)
  @Max(MAX_FOR_MS, FOR)
  forMs?: number;
}

export const NEW_RULE: RuleSettings = { metric: 'connected', forMs: 0 };

/** Members that are absent stay as they are; null removes what there is. Throws ProblemError unless the result is a rule. */
export function ruleSettings(before: RuleSettings, request: RuleRequest): RuleSettings {
  const settings: RuleSettings = {
    description: changed(before.description, request.description),
    tag: changed(before.tag, request.tag),
    tagPrefix: changed(before.tagPrefix, request.tagPrefix),
    metric: request.metric ?? before.metric,
    below: changed(before.below, request.below),
    above: changed(before.above, request.above),
    forMs: request.forMs ?? before.forMs,
  };
  const { tag, tagPrefix, below, above } = settings;
  if ((tag === undefined) === (tagPrefix === undefined))
    throw invalidParameter('tag', 'or tagPrefix must be given, not both');
  if ((below === undefined) === (above === undefined))
    throw invalidParameter('below', 'or above must be given, not both');
  return settings;
}
