// The endpoints in the store.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOG } from '../observability/logging.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import type { FeedStore } from '../storage/ports.js';
import { FEED_STORE, OCCUPANCY_EVENT_STORE, WEBHOOK_SETTING_STORE } from '../storage/tokens.js';
import type { OccupancyEventStore, WebhookSettingStore } from '../storage/webhook-ports.js';
import {
  decodeEndpoint,
  type Endpoint,
  type EndpointId,
  type EndpointSettings,
  encodeEndpoint,
  endpointId,
  isEndpointId,
} from './endpoint.js';
import { newSecret } from './sending/signature.js';
import { type SettingFault, type SettingKind, type Stored, StoredSettings } from './stored-settings.js';

export const MAX_ENDPOINTS = 1_000;
/** Besides the newest one. */
const MAX_OLD_SECRETS = 3;

const ENDPOINTS: SettingKind<EndpointId, Endpoint> = {
  name: 'endpoint',
  isId: isEndpointId,
  idOf: endpointId,
  encode: encodeEndpoint,
  decode: decodeEndpoint,
  maxCount: MAX_ENDPOINTS,
  undecodableMessage:
    'an endpoint of webhooks cannot be decoded: nothing is sent to it until it is deleted and created again',
};

@Injectable()
export class Endpoints extends StoredSettings<EndpointId, Endpoint> {
  constructor(
    @Inject(WEBHOOK_SETTING_STORE) store: WebhookSettingStore,
    @Inject(FEED_STORE) private readonly feed: FeedStore,
    @Inject(OCCUPANCY_EVENT_STORE) private readonly events: OccupancyEventStore,
    @Inject(CLOCK) clock: Clock,
    @Inject(LOG) log: Logger,
  ) {
    super(ENDPOINTS, store, clock, log);
  }

  /** `idempotencyKey`: as in `createFrom`. */
  create(settings: EndpointSettings, idempotencyKey: string | undefined): Promise<Stored<Endpoint> | SettingFault> {
    return this.createFrom(settings, idempotencyKey, async (made) => ({
      ...made,
      ...settings,
      secrets: [{ text: newSecret() }],
      ...(await this.#startNow()),
      isDeclared: false,
    }));
  }

  /** Makes an endpoint with a known id and secrets, or replaces its settings. */
  async declare(id: EndpointId, settings: EndpointSettings, secret: string): Promise<void> {
    for (;;) {
      const stored = await this.find(id);
      // One that cannot be decoded is made anew.
      const text = stored?.text ?? (await this.store.get(id));
      const nowMs = this.clock.now();
      const made = { ...(await this.#startNow()), createdAtMs: nowMs, disabled: undefined };
      const { disabled, ...known } = stored?.value ?? made;
      const endpoint: Endpoint = {
        ...known,
        id,
        ...settings,
        secrets: [{ text: secret }],
        isDeclared: true,
        updatedAtMs: stored?.value.updatedAtMs ?? nowMs,
        ...(disabled && !settings.isEnabled && { disabled }),
      };
      if (encodeEndpoint(endpoint) === text) return;
      const replaced = await this.replace(id, text, { ...endpoint, updatedAtMs: nowMs });
      if (replaced !== 'changed') return;
    }
  }

  /** The previous secret signs until `previousUntilMs`, together with the new one. */
  async rotateSecret(id: EndpointId, previousUntilMs: number): Promise<Stored<Endpoint> | SettingFault> {
    return this.change(id, (endpoint) => {
      const nowMs = this.clock.now();
      const old = endpoint.secrets
        .map(({ text, untilMs = previousUntilMs }) => ({ text, untilMs: Math.min(untilMs, previousUntilMs) }))
        .filter(({ untilMs }) => untilMs > nowMs)
        .slice(0, MAX_OLD_SECRETS);
      return { ...endpoint, secrets: [{ text: newSecret() }, ...old] };
    });
  }

  async #startNow(): Promise<Pick<Endpoint, 'start' | 'eventStart'>> {
    return { start: await this.feed.end(), eventStart: await this.events.newestNumber() };
  }
}
