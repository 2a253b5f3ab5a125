// The requests that make each operation succeed, or fail with a given status.
import { expect } from '@jest/globals';
import { parseApiKeys } from '../../src/auth/api-keys.js';
import { digestOf } from '../../src/auth/secret.js';
import { newTimedId } from '../../src/storage/timed-id.js';
import { DeliveryQueue } from '../../src/webhooks/delivery/delivery-queue.js';
import { type DeadLetter, encodeRecord } from '../../src/webhooks/delivery/delivery-records.js';
import { encodeState } from '../../src/webhooks/delivery/delivery-state.js';
import { endpointId } from '../../src/webhooks/endpoint.js';
import { MAX_ENDPOINTS } from '../../src/webhooks/endpoints.js';
import { ruleId } from '../../src/webhooks/occupancy/rule.js';
import { MAX_RULES } from '../../src/webhooks/occupancy/rules.js';
import { SEED, type Service } from '../e2e/service.js';
import { eventually } from '../eventually.js';
import { type Call, send } from './client.js';
import type { Operation } from './document.js';

/** Each is tried on each operation, whether or not the document lists it for that operation. */
export const REFUSALS = '400 401 403 404 409 410 412 413 414 415 417 422 429 431 501 503'.split(' ');

export const SECRET = 'a-callback-secret-of-32-characters-or-more';
const KEYS = { read: 'the-key-of-a-reader', admin: 'the-key-of-an-operator', metrics: 'the-key-of-prometheus' };
const keyEntry = ([scope, key]: [string, string]) => `${scope}:${scope}:${digestOf(key).toString('hex')}`;
export const LOCKED = {
  apiKeys: parseApiKeys(Object.entries(KEYS).map(keyEntry).join()),
  callbackSecrets: [SECRET],
  publicUrl: 'https://rollcall.example.com',
};
/** Do not exist. */
export const INCIDENT_ID = 'store-emptied-0-0';
export const QUARANTINE_ID = '019ac0f3b2c1-9f86d081884c7d65';
/** By the clock of the service: after its participants were added. */
const PAST = '2026-11-23T19:30:20.000Z';
export const ENDPOINT_ID = 'ep_unknown';
const RULE_ID = 'rule_unknown';
/** Declared by the settings of the service. */
export const DECLARED_ENDPOINT = {
  name: 'declared',
  secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
  url: 'http://127.0.0.1:49999/presence',
};
const DECLARED_ID = 'ep_declared';
const ENDPOINT = { url: 'http://127.0.0.1:49999/presence' };
const RULE = { tag: 'support', below: 2, forMs: 30_000 };
const UNKNOWN_POSITION = '000000000000.1';
const RANGE = 'from=2026-11-23T09:00:00Z&to=2026-11-23T10:00:00Z';

const ADMIN_OPERATIONS = new Set([
  'mintCallbackUrl',
  'endParticipant',
  'endDevice',
  'setAvailability',
  'setLabels',
  'purgeParticipants',
  'listIncidents',
  'acknowledgeIncident',
  'makeBackup',
  'getReconciliation',
  'listQuarantinedCallbacks',
  'getQuarantinedCallback',
  'replayQuarantinedCallback',
  'replayQuarantinedCallbacks',
  'deleteQuarantinedCallback',
  'deleteQuarantinedCallbacks',
  'takeForwardedCallbacks',
  'listWebhookEndpoints',
  'createWebhookEndpoint',
  'getWebhookEndpoint',
  'changeWebhookEndpoint',
  'deleteWebhookEndpoint',
  'rotateWebhookSecret',
  'listWebhookDeliveries',
  'listWebhookDeadLetters',
  'retryWebhookDeadLetter',
  'replayWebhooks',
  'testWebhookEndpoint',
  'listWebhookRules',
  'createWebhookRule',
  'getWebhookRule',
  'changeWebhookRule',
  'deleteWebhookRule',
]);
/** Whose bodies may be empty. */
const OPTIONAL_BODIES = new Set([
  'replayQuarantinedCallbacks',
  'changeWebhookEndpoint',
  'rotateWebhookSecret',
  'changeWebhookRule',
]);
const FORWARDED = {
  source: 'bandwidth',
  receivedAt: new Date().toISOString(),
  contentType: 'application/json',
  body: JSON.stringify(SEED),
  requestId: 'r-1',
};
export const JSON_TYPE = { 'content-type': 'application/json' };
const BASIC = { authorization: `Basic ${Buffer.from(`bandwidth:${SECRET}`).toString('base64')}` };
export const bearer = (scope: keyof typeof KEYS) => ({ authorization: `Bearer ${KEYS[scope]}` });

function scopeOf(operationId: string): keyof typeof KEYS {
  if (operationId === 'getMetrics') return 'metrics';
  return ADMIN_OPERATIONS.has(operationId) ? 'admin' : 'read';
}

/** A request that succeeds. */
export function usualCall({ path, method, operationId }: Operation): Call {
  const bodies: Record<string, unknown> = {
    lookupParticipants: { participantIds: [SEED.participantId, 'nobody', 'lost', 'expired', SEED.participantId] },
    mintCallbackUrl: { source: 'bandwidth', tag: 'agent-17', participantRef: 'user-4711', labels: { call: '42' } },
    endDevice: { deviceId: SEED.deviceId },
    setAvailability: { availability: 'available' },
    setLabels: { labels: { call: '42', user: 'u-7' } },
    takeForwardedCallbacks: { callbacks: [FORWARDED] },
    createWebhookEndpoint: ENDPOINT,
    changeWebhookEndpoint: { batch: 5 },
    createWebhookRule: RULE,
    changeWebhookRule: { below: 3 },
    rotateWebhookSecret: {},
    replayWebhooks: { from: new Date().toISOString() },
    replayQuarantinedCallbacks: { reason: 'unknown-event' },
  };
  const hasBody = method !== 'GET' && method !== 'DELETE';
  const isCallback = path.startsWith('/callbacks/');
  const credentials = isCallback ? BASIC : bearer(scopeOf(operationId));
  return {
    method,
    // An unknown position ends a stream.
    path: path
      .replace('{participantId}', SEED.participantId)
      .replace('{token}', SECRET)
      .replace('incidents/{id}', `incidents/${INCIDENT_ID}`)
      .replace('endpoints/{id}', `endpoints/${ENDPOINT_ID}`)
      .replace('rules/{id}', `rules/${RULE_ID}`)
      .replace('{letterId}', QUARANTINE_ID)
      .replace('{id}', QUARANTINE_ID)
      .replace(/participants$/, operationId === 'purgeParticipants' ? 'participants?tag=nobody' : '$&')
      .replace(/quarantine$/, operationId === 'deleteQuarantinedCallbacks' ? 'quarantine?reason=unknown-event' : '$&')
      .replace(/stream$/, `stream?after=${UNKNOWN_POSITION}`)
      .replace(/presence$/, `presence?at=${PAST}`)
      .replace(/stats(\/tags)?$/, `$&?${RANGE}`),
    headers: { ...credentials, ...(hasBody && JSON_TYPE) },
    ...(hasBody && { body: JSON.stringify(bodies[operationId] ?? SEED) }),
  };
}

/** A request that is answered with this error. */
export async function refusedCall(
  { operationId, path }: Operation,
  status: string,
  usual: Call,
  service: Service,
): Promise<Call> {
  const isCallback = path.startsWith('/callbacks/');
  const headers = (more: Record<string, string>) => ({ ...usual, headers: { ...usual.headers, ...more } });
  switch (status) {
    case '400':
      if (OPTIONAL_BODIES.has(operationId)) return { ...usual, body: '{"color":"red"}' };
      return usual.body === undefined
        ? { ...usual, path: `${usual.path.split('?')[0]}?unknown=1` }
        : { ...usual, body: '{}' };
    case '401':
      return { ...usual, headers: JSON_TYPE };
    case '403':
      if (path.endsWith('{token}')) return { ...usual, path: await boundPath(service) };
      if (isCallback) return headers({ host: 'rollcall.example.com' });
      return headers(bearer(scopeOf(operationId) === 'admin' ? 'read' : 'admin'));
    case '404':
      return isCallback
        ? { ...headers({ authorization: 'Basic eDp3cm9uZw==' }), path: path.replace('{token}', 'wrong') }
        : {
            ...usual,
            path: usual.path.replace(SEED.participantId, 'nobody'),
            // Labels would make somebody known.
            ...(operationId === 'setLabels' && { body: '{"labels":{}}' }),
          };
    case '409':
      if (operationId === 'createWebhookEndpoint') await fillWithEndpoints(service);
      if (operationId === 'createWebhookRule') await fillWithRules(service);
      if (path.includes('endpoints/{id}')) return { ...usual, path: usual.path.replace(ENDPOINT_ID, DECLARED_ID) };
      return { ...usual, path: usual.path.replace(SEED.participantId, 'left') };
    case '410':
      if (operationId === 'replayWebhooks') {
        const { id } = await createdEndpoint(service);
        const body = JSON.stringify({ from: UNKNOWN_POSITION });
        return { ...usual, path: usual.path.replace(ENDPOINT_ID, id), body };
      }
      return { ...usual, path: `${path}?after=${UNKNOWN_POSITION}` };
    case '412':
      return { ...headers({ 'if-match': '"another"' }), path: await existingPath(usual.path, service) };
    case '413':
      return headers({ ...JSON_TYPE, 'content-length': '1200000' });
    case '414':
      return {
        ...usual,
        path: [SEED.participantId, INCIDENT_ID, QUARANTINE_ID, ENDPOINT_ID, RULE_ID].reduce(
          (text, id) => text.replace(id, 'x'.repeat(5_000)),
          usual.path,
        ),
      };
    case '415':
      return headers({ 'content-type': 'text/plain' });
    case '417':
      return headers({ expect: 'a-miracle' });
    case '422': {
      if (operationId === 'createWebhookEndpoint') {
        const key = { 'idempotency-key': 'a key' };
        await createdEndpoint(service, key);
        return { ...headers(key), body: JSON.stringify({ ...ENDPOINT, batch: 7 }) };
      }
      if (operationId === 'createWebhookRule') {
        const key = { 'idempotency-key': 'a key' };
        await createdRule(service, key);
        return { ...headers(key), body: JSON.stringify({ ...RULE, below: 7 }) };
      }
      if (operationId !== 'replayQuarantinedCallback') return usual;
      return { ...usual, path: usual.path.replace(QUARANTINE_ID, await quarantinedId(service, 'unknown-event')) };
    }
    case '431':
      return headers({ 'x-large': 'x'.repeat(20_000) });
    default:
      return usual;
  }
}

/** With the id of an endpoint or a rule that exists. */
export async function existingPath(path: string, service: Service): Promise<string> {
  if (path.includes(RULE_ID)) return path.replace(RULE_ID, await createdRule(service));
  return path.replace(ENDPOINT_ID, (await createdEndpoint(service)).id);
}

/** Resolves with its id. */
async function createdRule({ url }: Service, headers: Record<string, string> = {}): Promise<string> {
  const call = { method: 'POST', path: '/v1/webhooks/rules', body: JSON.stringify(RULE) };
  const made = await send(url, { ...call, headers: { ...JSON_TYPE, ...bearer('admin'), ...headers } });
  expect([made.status, made.text]).toEqual([201, expect.any(String)]);
  return JSON.parse(made.text).id;
}

async function createdEndpoint(
  { url }: Service,
  headers: Record<string, string> = {},
): Promise<{ readonly id: string; readonly etag: string }> {
  const call = { method: 'POST', path: '/v1/webhooks/endpoints', body: JSON.stringify(ENDPOINT) };
  const made = await send(url, { ...call, headers: { ...JSON_TYPE, ...bearer('admin'), ...headers } });
  expect([made.status, made.text]).toEqual([201, expect.any(String)]);
  return { id: JSON.parse(made.text).id, etag: String(made.headers.etag) };
}

/** The endpoint that has it, and its id. */
export async function storedDeadLetter(service: Service): Promise<{ readonly id: string; readonly letterId: string }> {
  const { leases, deliveries } = service.storage;
  const { id } = await createdEndpoint(service);
  const name = `of the test ${id}`;
  const token = Number(await leases.acquire(name, 60_000));
  const letter: DeadLetter = {
    messageId: 'msg_1',
    type: 'participant.connected',
    body: '{}',
    changes: 1,
    failures: 5,
    firstFailedAtMs: 1,
    deadLetteredAtMs: 2,
    last: { status: 422, answer: 'no' },
  };
  const letterId = newTimedId(Date.now());
  const records = { attempts: [], 'dead-letters': [{ id: letterId, text: encodeRecord(letter) }] };
  const limit = { maxCount: 10, oldestMs: 0 };
  const limits = { attempts: limit, 'dead-letters': limit };
  const state = encodeState({ queue: new DeliveryQueue(await service.storage.feed.end()), settingsAtMs: 1 });
  const update = { endpointId: id, state, records };
  expect(await deliveries.save({ name, token }, [update], limits)).toBe(true);
  return { id, letterId };
}

/** As many as there may be. */
async function fillWithEndpoints(service: Service): Promise<void> {
  const { webhookSettings } = service.storage;
  const { id } = await createdEndpoint(service);
  const text = String(await webhookSettings.get(id));
  for (let n = 0; n < MAX_ENDPOINTS; n += 1) await webhookSettings.replace(endpointId(`${n}`), null, text);
}

async function fillWithRules(service: Service): Promise<void> {
  const { webhookSettings } = service.storage;
  const text = String(await webhookSettings.get(await createdRule(service)));
  for (let n = 0; n < MAX_RULES; n += 1) await webhookSettings.replace(ruleId(`${n}`), null, text);
}

/** Sends a callback that is quarantined for this reason. Resolves with its id. */
export async function quarantinedId(service: Service, reason: 'unknown-event' | 'wrong-participant'): Promise<string> {
  const isUnknown = reason === 'unknown-event';
  const path = isUnknown ? `/callbacks/bandwidth/${SECRET}` : await boundPath(service);
  const body = JSON.stringify(isUnknown ? { ...SEED, event: 'onMute' } : SEED);
  expect((await send(service.url, { method: 'POST', path, headers: JSON_TYPE, body })).status).toBe(
    isUnknown ? 202 : 403,
  );
  let id = '';
  await eventually(async () => {
    const query = `/v1/quarantine?reason=${reason}`;
    const { text } = await send(service.url, { method: 'GET', path: query, headers: bearer('admin') });
    [{ id }] = JSON.parse(text).items;
  });
  return id;
}

/** The path of a minted URL that is already bound to another participant. */
async function boundPath(service: Service): Promise<string> {
  const call = { method: 'POST', path: '/v1/callback-urls', body: JSON.stringify({ source: 'bandwidth' }) };
  const minted = await send(service.url, { ...call, headers: { ...JSON_TYPE, ...bearer('admin') } });
  const { pathname } = new URL(JSON.parse(minted.text).callbackUrl);
  const body = JSON.stringify({ ...SEED, participantId: 'first' });
  expect((await send(service.url, { method: 'POST', path: pathname, headers: JSON_TYPE, body })).status).toBe(204);
  return pathname;
}
