// A rule: too few or too many are connected, or available, under a tag or under all tags with a prefix. Stored as JSON, beside the
// endpoints.
import type { Setting } from '../stored-settings.js';

/** Of the stored text. A change of its shape needs a new one, and code that still reads this one. */
const FORMAT = 1;

export type RuleId = string & { readonly brand: 'RuleId' };

export const RULE_METRICS = ['connected', 'available'] as const;
type RuleMetric = (typeof RULE_METRICS)[number];

/** What whoever configures a rule chooses. */
export interface RuleSettings {
  readonly description?: string | undefined;
  /** Either this or `tagPrefix`. */
  readonly tag?: string | undefined;
  /** The counts of all tags that begin with it are added. */
  readonly tagPrefix?: string | undefined;
  readonly metric: RuleMetric;
  /** Either this or `above`. */
  readonly below?: number | undefined;
  readonly above?: number | undefined;
  /** How long it must be so before it is told. */
  readonly forMs: number;
}

export interface Rule extends RuleSettings, Setting<RuleId> {}

export function isRuleId(text: string): text is RuleId {
  return /^rule_[\w-]{1,64}$/.test(text);
}

export function ruleId(text: string): RuleId {
  return `rule_${text}` as RuleId;
}

export function encodeRule(rule: Rule): string {
  return JSON.stringify({ format: FORMAT, ...rule });
}

/** Throws if the text is not a result of `encodeRule`. */
export function decodeRule(text: string): Rule {
  const { format, ...rule } = JSON.parse(text) as Rule & { readonly format: number };
  if (format !== FORMAT) throw new Error(`a rule was stored in the unknown format ${format}`);
  return rule;
}

export function isBroken({ below, above }: RuleSettings, value: number): boolean {
  return (below !== undefined && value < below) || (above !== undefined && value > above);
}

export function concernsTag({ tag, tagPrefix }: RuleSettings, touched: string): boolean {
  return tagPrefix === undefined ? touched === tag : touched.startsWith(tagPrefix);
}
