// The rules in the store, beside the endpoints. Every change is made to the rule as it was read, so that of two at the same time one
// fails.
import { createHash, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { DeduplicatedLog } from '../../observability/deduplicated-log.js';
import { LOG } from '../../observability/logging.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { WEBHOOK_SETTING_STORE } from '../../storage/tokens.js';
import type { WebhookSettingStore } from '../../storage/webhook-ports.js';
import { decodeRule, encodeRule, isRuleId, type Rule, type RuleId, type RuleSettings, ruleId } from './rule.js';

export const MAX_RULES = 100;

/** `text`: as it is stored, from which its ETag is made. */
export interface StoredRule {
  readonly rule: Rule;
  readonly text: string;
}

/** A reason not to make or change a rule. */
export type RuleFault = 'too-many' | 'other-request' | 'changed' | 'unknown';

@Injectable()
export class Rules {
  readonly #listeners = new Set<() => void>();
  readonly #undecodable: DeduplicatedLog;

  constructor(
    @Inject(WEBHOOK_SETTING_STORE) private readonly store: WebhookSettingStore,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) log: Logger,
  ) {
    this.#undecodable = new DeduplicatedLog(log, 'a rule about occupancy cannot be decoded: it is not followed');
  }

  /** `listener` is called when this process has changed a rule. */
  onChanged(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Sorted by id, without those that cannot be decoded. */
  async list(): Promise<StoredRule[]> {
    const rules: StoredRule[] = [];
    for (const { id, text } of await this.store.list()) {
      if (!isRuleId(id)) continue;
      try {
        rules.push({ rule: decodeRule(text), text });
      } catch (error) {
        this.#undecodable.error(`${id} ${hashOf(text)}`, { rule: id, reason: (error as Error).message });
      }
    }
    return rules;
  }

  async find(id: string): Promise<StoredRule | undefined> {
    const text = isRuleId(id) ? await this.store.get(id) : null;
    return text === null ? undefined : { rule: decodeRule(text), text };
  }

  /** A request that is repeated with its key gets the rule that was made the first time. */
  async create(settings: RuleSettings, idempotencyKey: string | undefined): Promise<StoredRule | RuleFault> {
    const requestHash = hashOf(JSON.stringify(settings));
    const id = ruleId(
      idempotencyKey === undefined ? randomBytes(12).toString('base64url') : hashOf(`key ${idempotencyKey}`),
    );
    const known = idempotencyKey === undefined ? undefined : await this.find(id);
    if (known) return known.rule.requestHash === requestHash ? known : 'other-request';
    if ((await this.list()).length >= MAX_RULES) return 'too-many';
    const nowMs = this.clock.now();
    const made = await this.#replace(id, null, {
      id,
      ...settings,
      ...(idempotencyKey !== undefined && { requestHash }),
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    });
    // The same request came twice at the same time.
    return made === 'changed' ? this.create(settings, idempotencyKey) : made;
  }

  /** `expected`: the text that must not have changed; undefined: any. */
  async change(
    id: RuleId,
    change: (settings: RuleSettings) => RuleSettings,
    expected?: string,
  ): Promise<StoredRule | RuleFault> {
    for (;;) {
      const stored = await this.find(id);
      if (!stored) return 'unknown';
      if (expected !== undefined && stored.text !== expected) return 'changed';
      const rule = { ...stored.rule, ...change(stored.rule), updatedAtMs: this.clock.now() };
      const replaced = await this.#replace(id, stored.text, rule);
      if (replaced !== 'changed' || expected !== undefined) return replaced;
    }
  }

  /** `expected`: as in `change`. */
  async remove(id: RuleId, expected?: string): Promise<'done' | RuleFault> {
    for (;;) {
      const text = await this.store.get(id);
      if (text === null) return 'unknown';
      if (expected !== undefined && text !== expected) return 'changed';
      if (await this.store.replace(id, text, null)) {
        this.#notify();
        return 'done';
      }
    }
  }

  async #replace(id: RuleId, before: string | null, rule: Rule): Promise<StoredRule | 'changed'> {
    const text = encodeRule(rule);
    if (!(await this.store.replace(id, before, text))) return 'changed';
    this.#notify();
    return { rule, text };
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 24);
}
