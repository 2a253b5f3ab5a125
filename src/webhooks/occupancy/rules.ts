// The rules in the store, beside the endpoints.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOG } from '../../observability/logging.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { WEBHOOK_SETTING_STORE } from '../../storage/tokens.js';
import type { WebhookSettingStore } from '../../storage/webhook-ports.js';
import { type SettingFault, type SettingKind, type Stored, StoredSettings } from '../stored-settings.js';
import { decodeRule, encodeRule, isRuleId, type Rule, type RuleId, type RuleSettings, ruleId } from './rule.js';

export const MAX_RULES = 100;

const RULES: SettingKind<RuleId, Rule> = {
  name: 'rule',
  isId: isRuleId,
  idOf: ruleId,
  encode: encodeRule,
  decode: decodeRule,
  maxCount: MAX_RULES,
  undecodableMessage:
    'a rule about occupancy cannot be decoded: it has no effect until it is deleted and created again',
};

@Injectable()
export class Rules extends StoredSettings<RuleId, Rule> {
  constructor(
    @Inject(WEBHOOK_SETTING_STORE) store: WebhookSettingStore,
    @Inject(CLOCK) clock: Clock,
    @Inject(LOG) log: Logger,
  ) {
    super(RULES, store, clock, log);
  }

  /** `idempotencyKey`: as in `createFrom`. */
  create(settings: RuleSettings, idempotencyKey: string | undefined): Promise<Stored<Rule> | SettingFault> {
    return this.createFrom(settings, idempotencyKey, (made) => ({ ...made, ...settings }));
  }
}
