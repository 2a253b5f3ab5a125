// Whether each rule is broken, since when, and whether that was told: of each rule `occupancy.alert` and `occupancy.ok` alternate.
// No I/O and no clock.
import { rfc3339 } from '../../runtime/rfc3339.js';
import type { DerivedEvent } from './occupancy-event.js';
import { isBroken, type Rule, type RuleId } from './rule.js';

/** As stored. */
export interface RuleState {
  /** As it was when it was counted last. */
  readonly rule: Rule;
  /** undefined: it is not broken. */
  readonly brokenSinceMs?: number | undefined;
  readonly isAlerting: boolean;
}

/** Why an alert has ended, unless the count is as it should be. */
type EndCause = 'rule-changed' | 'rule-deleted';

export class RuleStates {
  readonly #states: Map<RuleId, RuleState>;
  #rules: readonly Rule[] = [];
  #isChanged = false;

  constructor(states: readonly RuleState[] = []) {
    this.#states = new Map(states.map((state) => [state.rule.id, state]));
  }

  get states(): RuleState[] {
    return [...this.#states.values()];
  }

  get rules(): readonly Rule[] {
    return this.#rules;
  }

  /** Whether any has changed since the last call. */
  takeChanged(): boolean {
    const isChanged = this.#isChanged;
    this.#isChanged = false;
    return isChanged;
  }

  /** Ends the alerts of rules that are deleted, or ask for something else than before. */
  setRules(rules: readonly Rule[], nowMs: number): DerivedEvent[] {
    this.#rules = rules;
    const byId = new Map(rules.map((rule) => [rule.id, rule]));
    return this.states.flatMap((state) => {
      const rule = byId.get(state.rule.id);
      this.#isChanged = true;
      if (rule && isSameCondition(rule, state.rule)) {
        this.#states.set(rule.id, { ...state, rule });
        return [];
      }
      this.#states.delete(state.rule.id);
      const cause = rule ? 'rule-changed' : 'rule-deleted';
      return state.isAlerting ? [toEvent('occupancy.ok', state.rule, { sinceMs: nowMs, cause })] : [];
    });
  }

  /** Whether it has to be counted: it never was, or an alert is due. */
  isDue({ id, forMs }: Rule, nowMs: number): boolean {
    const state = this.#states.get(id);
    if (!state) return true;
    const { brokenSinceMs, isAlerting } = state;
    return brokenSinceMs !== undefined && !isAlerting && brokenSinceMs + forMs <= nowMs;
  }

  counted(rule: Rule, value: number, nowMs: number): DerivedEvent[] {
    const { brokenSinceMs = nowMs, isAlerting = false } = this.#states.get(rule.id) ?? {};
    if (!isBroken(rule, value)) {
      this.#set({ rule, isAlerting: false });
      return isAlerting ? [toEvent('occupancy.ok', rule, { value, sinceMs: nowMs })] : [];
    }
    const mustAlert = !isAlerting && nowMs - brokenSinceMs >= rule.forMs;
    this.#set({ rule, brokenSinceMs, isAlerting: isAlerting || mustAlert });
    return mustAlert ? [toEvent('occupancy.alert', rule, { value, sinceMs: brokenSinceMs })] : [];
  }

  #set(state: RuleState): void {
    const before = this.#states.get(state.rule.id);
    this.#states.set(state.rule.id, state);
    const isSame = before?.brokenSinceMs === state.brokenSinceMs && before?.isAlerting === state.isAlerting;
    if (!isSame) this.#isChanged = true;
  }
}

function isSameCondition(a: Rule, b: Rule): boolean {
  return (['tag', 'tagPrefix', 'metric', 'below', 'above', 'forMs'] as const).every((name) => a[name] === b[name]);
}

function toEvent(
  type: 'occupancy.alert' | 'occupancy.ok',
  { id, description, tag, tagPrefix, metric, below, above, forMs }: Rule,
  { value, sinceMs, cause }: { readonly value?: number; readonly sinceMs: number; readonly cause?: EndCause },
): DerivedEvent {
  const rule = { id, description, tag, tagPrefix, metric, below, above, forMs };
  return { type, key: `rule ${id}`, tag, data: { type, rule, value, since: rfc3339(sinceMs), cause } };
}
