// Collects every response in the document from running services: each status of each operation except those that cannot be
// provoked, and participants in each state.
import { expect } from '@jest/globals';
import { DeadlineWorker } from '../../src/presence/write/deadline-worker.js';
import { SEED, type Service, type ServiceOptions, startService } from '../e2e/service.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import {
  bearer,
  DECLARED_ENDPOINT,
  ENDPOINT_ID,
  existingPath,
  INCIDENT_ID,
  JSON_TYPE,
  LOCKED,
  QUARANTINE_ID,
  quarantinedId,
  REFUSALS,
  refusedCall,
  SECRET,
  storedDeadLetter,
  usualCall,
} from './calls.js';
import { type Call, eventsOf, type HttpResponse, send } from './client.js';
import type { Json, Operation } from './document.js';
import { type ServiceWithIncident, startWithIncident } from './incident.js';

/** 408 would take 10 s to time out, and 500 is only caused by bugs. */
export const NOT_TRIGGERED = ['408', '500'];

export interface ServiceResponse {
  readonly operation: Operation;
  readonly status: string;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Without parameters; '' if there is no body. */
  readonly mediaType: string;
  /** undefined if there is no body. */
  readonly body: Json;
}

const HOUR_MS = 3_600_000;

export class ServiceResponses {
  readonly all: ServiceResponse[] = [];
  readonly #services: Service[] = [];
  #incidents: ServiceWithIncident | undefined;

  /** Must be called once. The caller must call `stop` afterwards. */
  async collect(operations: readonly Operation[]): Promise<void> {
    const clock = new ManualClock(Date.parse('2026-11-23T09:30:00.000Z'));
    const webhooks = { declared: [DECLARED_ENDPOINT] };
    const service = await this.#start({ clock, access: LOCKED, history: 'embedded', webhooks });
    const begin = JSON.parse(
      (await send(service.url, { method: 'GET', path: '/v1/changes', headers: bearer('read') })).text,
    ).position;
    await addParticipants(service, clock);
    const spent = await this.#start({
      access: { ...LOCKED, newParticipantsPerMinute: 1 },
      http: { rateLimitPerMinute: 1 },
      feed: { participantBytes: 0 },
    });
    await send(spent.url, { method: 'GET', path: '/v1/tags', headers: bearer('read') });
    await send(spent.url, { method: 'GET', path: '/metrics', headers: bearer('metrics') });
    await send(spent.url, { method: 'DELETE', path: '/v1/participants/nobody', headers: bearer('admin') });
    await send(spent.url, callback({ participantId: 'first' }));
    const full = await this.#start({ access: LOCKED, http: { maxInFlight: 0 }, feed: { maxStreams: 0 } });
    const crowded = await this.#start({ access: LOCKED, http: { maxConnections: 0 } });
    const notReady = await this.#start({ access: LOCKED });
    await notReady.app.get(DeadlineWorker, { strict: false }).stop();
    const open = await this.#start({});
    const minutes = new ManualClock(clock.now());
    const unauthorized = await this.#start({ access: LOCKED, clock: minutes });
    const unconfigured = await this.#start({ access: { ...LOCKED, publicUrl: undefined } });
    this.#incidents = await startWithIncident();
    this.#services.push(this.#incidents.service);
    for (const operation of operations) {
      const usual = usualCall(operation);
      await this.#collectSuccesses(operation, begin, service);
      // Only so many requests without a valid key are answered within a minute.
      minutes.advance(60_000);
      for (const status of REFUSALS) {
        const unavailable = { getReadiness: notReady, getMetrics: crowded }[operation.operationId] ?? full;
        const restricted = operation.operationId === 'receiveBandwidthCallback' ? open : service;
        const lacking = operation.operationId === 'makeBackup' ? this.#incidents.service : unconfigured;
        const crowdedStore = operation.operationId.startsWith('createWebhook') ? open : service;
        const others = {
          401: unauthorized,
          403: restricted,
          409: crowdedStore,
          429: spent,
          501: lacking,
          503: unavailable,
        };
        const at = (others as Record<string, Service>)[status] ?? service;
        this.#add(operation, await send(at.url, await refusedCall(operation, status, usual, at)));
      }
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.stop()));
    await this.#incidents?.redis.stop();
  }

  async #collectSuccesses(operation: Operation, begin: string, service: Service): Promise<unknown> {
    const usual = usualCall(operation);
    const collect = (status: string, call: Call) => this.#collectOne(operation, status, service, call);
    const at = (path: string) => ({ ...usual, path: usual.path + path });
    switch (operation.operationId) {
      case 'listParticipants':
        await collect('200', at('?state=connected,reconnecting,gone&limit=2'));
        return collect('200', at('?state=connected,reconnecting,gone,expected'));
      case 'getParticipant': {
        for (const id of ['reconnecting', 'lost', 'expired', 'never-connected', 'left', 'expected']) {
          await collect('200', { ...usual, path: `/v1/participants/${id}` });
        }
        const { headers } = await collect('200', usual);
        return collect('304', { ...usual, headers: { ...usual.headers, 'if-none-match': String(headers.etag) } });
      }
      case 'explainParticipant':
        for (const id of ['reconnecting', 'lost', 'expired', 'never-connected', 'left']) {
          await collect('200', { ...usual, path: usual.path.replace(SEED.participantId, id) });
        }
        return collect('200', usual);
      case 'listConnections':
      case 'listParticipantConnections':
        await collect('200', { ...usual, headers: { ...usual.headers, accept: 'text/csv' } });
        return collect('200', usual);
      case 'listTags':
        await collect('200', at('?limit=1'));
        return collect('200', usual);
      case 'listChanges':
        await collect('200', at(`?after=${begin}&limit=1000`));
        return collect('200', usual);
      case 'streamChanges':
        await collect('200', { ...usual, path: `${operation.path}?after=${begin}`, until: '"expired"' });
        await collect('200', {
          ...usual,
          path: `${operation.path}?after=${begin}&tag=nobody`,
          until: 'event: position',
        });
        return collect('200', usual);
      case 'makeBackup':
        return collect('201', usual);
      case 'mintCallbackUrl':
        await collect('201', usual);
        return collect('201', { ...usual, body: JSON.stringify({ source: 'bandwidth' }) });
      case 'receiveBandwidthCallback':
      case 'receiveBandwidthCallbackWithToken':
        await collect('202', { ...usual, body: JSON.stringify({ ...SEED, event: 'onMute' }) });
        return collect('204', usual);
      case 'purgeParticipants':
        await collect('200', { ...usual, path: `${operation.path}?source=bandwidth&dryRun=true` });
        return collect('200', usual);
      case 'endParticipant':
      case 'endDevice':
        return collect('204', usual);
      case 'setLabels':
        await collect('204', { ...usual, path: usual.path.replace(SEED.participantId, 'expected') });
        return collect('204', usual);
      case 'setAvailability':
        // The usual participant has been ended by now.
        return collect('204', { ...usual, path: usual.path.replace(SEED.participantId, 'reconnecting') });
      case 'listIncidents':
      case 'acknowledgeIncident': {
        const { service: other, id } = this.#incidents as ServiceWithIncident;
        const status = operation.operationId === 'listIncidents' ? '200' : '204';
        return this.#collectOne(operation, status, other, { ...usual, path: usual.path.replace(INCIDENT_ID, id) });
      }
      case 'listQuarantinedCallbacks':
        for (let n = 0; n < 2; n += 1) await quarantinedId(service, 'unknown-event');
        await collect('200', at('?limit=1'));
        return collect('200', usual);
      case 'getQuarantinedCallback':
      case 'replayQuarantinedCallback':
      case 'deleteQuarantinedCallback': {
        const id = await quarantinedId(service, 'wrong-participant');
        const status = operation.operationId === 'deleteQuarantinedCallback' ? '204' : '200';
        return collect(status, { ...usual, path: usual.path.replace(QUARANTINE_ID, id) });
      }
      case 'createWebhookEndpoint':
      case 'createWebhookRule':
        return collect('201', usual);
      case 'getWebhookEndpoint':
      case 'changeWebhookEndpoint':
      case 'deleteWebhookEndpoint':
      case 'rotateWebhookSecret':
      case 'listWebhookDeliveries':
      case 'testWebhookEndpoint':
      case 'replayWebhooks':
      case 'getWebhookRule':
      case 'changeWebhookRule':
      case 'deleteWebhookRule': {
        const statuses = { deleteWebhookEndpoint: '204', deleteWebhookRule: '204', replayWebhooks: '202' };
        const status = statuses[operation.operationId as keyof typeof statuses] ?? '200';
        return collect(status, { ...usual, path: await existingPath(usual.path, service) });
      }
      case 'listWebhookDeadLetters':
      case 'retryWebhookDeadLetter': {
        const { id, letterId } = await storedDeadLetter(service);
        const path = usual.path.replace(ENDPOINT_ID, id).replace(QUARANTINE_ID, letterId);
        return collect('200', { ...usual, path });
      }
      case 'getReadiness':
        await collect('200', { ...usual, headers: {} });
        return collect('200', usual);
      default:
        return collect('200', usual);
    }
  }

  async #start(options: ServiceOptions): Promise<Service> {
    const service = await startService(options);
    this.#services.push(service);
    return service;
  }

  async #collectOne(operation: Operation, status: string, service: Service, call: Call): Promise<HttpResponse> {
    const answer = await send(service.url, call);
    expect([call.path, answer.text, String(answer.status)]).toEqual([call.path, answer.text, status]);
    this.#add(operation, answer);
    return answer;
  }

  #add(operation: Operation, { status, headers, text }: HttpResponse): void {
    const [mediaType = ''] = (headers['content-type'] ?? '').split(';');
    const bodies = mediaType === 'text/event-stream' ? eventsOf(text) : [bodyOf(mediaType, text)];
    for (const body of bodies) this.all.push({ operation, status: String(status), headers, mediaType, body });
  }
}

function callback(parts: Record<string, unknown>): Call {
  const body = JSON.stringify({ ...SEED, ...parts });
  return { method: 'POST', path: `/callbacks/bandwidth/${SECRET}`, headers: JSON_TYPE, body };
}

/** Creates participants in each state and with each cause, with and without tags and a known connect. */
async function addParticipants(service: Service, clock: ManualClock): Promise<void> {
  const report = async (event: string, participantId: string, parts: Record<string, unknown> = {}) => {
    const call = callback({ timestamp: clock.now(), event, participantId, ...parts });
    const { text, status } = await send(service.url, call);
    expect([status, text]).toEqual([204, '']);
  };
  const expectGone = (participantId: string, cause: string) =>
    eventually(async () => {
      const call = { method: 'GET', path: `/v1/participants/${participantId}`, headers: bearer('read') };
      expect(JSON.parse((await send(service.url, call)).text)).toMatchObject({ state: 'gone', cause });
    });
  await report('onConnect', 'expired', { tag: undefined });
  clock.advance(10 * HOUR_MS);
  await expectGone('expired', 'expired');
  await report('onConnect', 'lost');
  await report('onDisconnect', 'lost');
  clock.advance(20_000);
  await expectGone('lost', 'lost');
  await report('onConnect', 'left');
  await report('onLeave', 'left');
  await report('onDisconnect', 'never-connected');
  await report('onConnect', 'reconnecting');
  await report('onConnect', 'reconnecting', { deviceId: 'another', tag: 'another-tag' });
  await report('onDisconnect', 'reconnecting');
  await report('onDisconnect', 'reconnecting', { deviceId: 'another' });
  await report('onConnect', SEED.participantId);
  const path = '/v1/participants/expected/labels';
  const headers = { ...JSON_TYPE, ...bearer('admin') };
  const { status } = await send(service.url, { method: 'PUT', path, headers, body: '{"labels":{"call":"42"}}' });
  expect(status).toBe(204);
}

function bodyOf(mediaType: string, text: string): unknown {
  if (text === '') return undefined;
  return ['text/plain', 'text/csv'].includes(mediaType) ? text : JSON.parse(text);
}
