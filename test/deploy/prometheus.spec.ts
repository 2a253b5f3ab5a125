// A real Prometheus scrapes the service during a simulated meeting: what the dashboard and the alerts ask for is there.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ServiceProcess } from '../e2e/process.js';
import { SEED } from '../e2e/service.js';
import { eventually } from '../eventually.js';
import { closeOnce } from '../leftovers.js';
import { ACCOUNT, BrtcCustomer } from '../simulator/brtc-customer.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { readAlertRules, readDashboard } from './files.js';
import { PrometheusServer } from './prometheus-server.js';

const ROOT = join(import.meta.dirname, '..', '..');

/** What Grafana sets, for all instances. */
const VARIABLES = { job: 'rollcall', instance: '.*', __rate_interval: '1m' };

/** Panels that show more than zero after the meeting. The others are about trouble, or about times that may be short. */
const BUSY_PANELS = [
  'Instances up',
  'Instances ready',
  'Version',
  'Callbacks',
  'Events',
  'Refusals',
  'Delay of events',
  'Participants',
  'Devices, available and stored participants',
  'Participants by tag',
  'Participants that became gone',
  'Interruptions and returns',
  'Lag of deadlines',
  'Polls of providers',
  'Quarantine',
  'Time to answer callbacks',
  'Time to answer requests',
  'Requests',
  'Event loop lag',
  'Processor time',
  'Memory',
  'Components',
  'Time of store operations',
  'Commits',
  'Size of batches',
  'Free disk space',
  'Changes',
  'Streams and polls',
  'Age of the feed',
  'Size of the feed',
];

interface Panel {
  readonly title: string;
  readonly queries: readonly string[];
}

const panels: readonly Panel[] = readDashboard().panels.map(({ title, targets = [] }) => ({
  title,
  queries: targets.map(({ expr }) =>
    Object.entries(VARIABLES).reduce((query, [name, value]) => query.replaceAll(`$${name}`, value), expr),
  ),
}));

let folder: string;
let redis: RedisServer;
let service: ServiceProcess;
let prometheus: PrometheusServer;
let customer: BrtcCustomer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-prometheus-'));
  redis = await RedisServer.start();
  customer = await BrtcCustomer.start();
  service = await ServiceProcess.start({
    REDIS_URL: redis.url,
    DATA_DIR: folder,
    GRACE_MS: '500',
    METRICS_TAGS: SEED.tag,
    SOURCES: 'bandwidth,brtc',
    SOURCE_BRTC_API_URL: customer.url,
    SOURCE_BRTC_ACCOUNT_ID: ACCOUNT,
    SOURCE_BRTC_API_CREDENTIALS: 'user:password',
    RECONCILE_MS: '1000',
    WEBHOOK_ALLOW_HTTP: 'on',
    WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
  });
  prometheus = await PrometheusServer.start(new URL(service.url).host);
  // Rates need a value from before the traffic.
  await eventually(async () => expect(await prometheus.query('rollcall_ready == 1')).toHaveLength(1));
  await driveTraffic();
});
afterAll(async () => {
  await prometheus.stop();
  await service.end('SIGKILL');
  await customer.simulator.close();
  await redis.stop();
  rmSync(folder, { recursive: true });
});

/** A meeting, participants who are interrupted, one who stays, and a client that follows changes until the end of the tests. */
async function driveTraffic(): Promise<void> {
  const following = new AbortController();
  closeOnce(() => following.abort());
  await fetch(`${service.url}/v1/changes/stream`, { signal: following.signal });
  const endpoint = { method: 'POST', headers: { 'content-type': 'application/json' } };
  await fetch(`${service.url}/v1/webhooks/endpoints`, { ...endpoint, body: JSON.stringify({ url: customer.url }) });
  await sendCallback('onConnect', 'who-stays');
  // The first interruption or refusal makes its series, so only the second one is an increase.
  await sendTrouble('first');
  await runMeeting();
  await sendTrouble('second');
}

/** A participant who returns from an interruption and is then lost, two callbacks that are not understood, and a list. */
async function sendTrouble(participantId: string): Promise<void> {
  for (const event of ['onConnect', 'onDisconnect', 'onConnect', 'onDisconnect', 'onSomethingNew']) {
    await sendCallback(event, participantId);
  }
  await sendCallback('onConnect', '');
  await fetch(`${service.url}/v1/participants`);
}

async function sendCallback(event: string, participantId: string): Promise<void> {
  await service.post('/callbacks/bandwidth', { ...SEED, event, participantId, timestamp: String(Date.now()) });
}

async function runMeeting(): Promise<void> {
  const scenario = ['meeting', '--participants', '20', '--seconds', '5'];
  const options = [...scenario, '--callback', `${service.url}/callbacks/bandwidth`];
  const meeting = spawn(process.execPath, ['simulator/dist/simulate.js', ...options], { cwd: ROOT, stdio: 'ignore' });
  closeOnce(() => meeting.kill());
  expect(await once(meeting, 'exit')).toEqual([0, null]);
}

/** The names of metrics in an expression, or in the query of a variable. */
function metricsIn(text: string): readonly string[] {
  return text.match(/\b(rollcall|process|nodejs)_\w+/g) ?? [];
}

/** Those of which a query has no data or, in a busy panel, no query has more than zero. */
async function panelsWithoutData(asked: readonly Panel[]): Promise<readonly Panel[]> {
  const results = await Promise.all(asked.map(async ({ queries }) => Promise.all(queries.map(numbersOf))));
  return asked.filter(({ title }, index) => {
    const numbers = results[index] ?? [];
    const isBusy = numbers.flat().some((value) => value > 0);
    return numbers.some((found) => found.length === 0) || (BUSY_PANELS.includes(title) && !isBusy);
  });
}

async function numbersOf(query: string): Promise<readonly number[]> {
  const values = (await prometheus.query(query)).map(({ value: [, text] }) => Number(text));
  return values.filter(Number.isFinite);
}

describe('Prometheus', () => {
  it('finds every metric of the alerts and the dashboard', async () => {
    const exposed = await (await fetch(`${service.url}/metrics`)).text();
    const types = [...exposed.matchAll(/^# TYPE (\S+) (\w+)$/gm)];
    const names = types.flatMap(([, name = '', type]) =>
      type === 'histogram' ? ['bucket', 'sum', 'count'].map((suffix) => `${name}_${suffix}`) : [name],
    );
    const { templating } = readDashboard();
    const texts = [
      ...panels.flatMap(({ queries }) => queries),
      ...readAlertRules().map(({ expr }) => expr),
      ...templating.list.map(({ query }) => query),
    ];
    const used = texts.flatMap(metricsIn);
    expect(used.length).toBeGreaterThan(50);
    expect([...new Set(used)].filter((name) => !names.includes(name))).toEqual([]);
  });

  it('has data for every query of the dashboard', async () => {
    expect(BUSY_PANELS.filter((title) => !panels.some((panel) => panel.title === title))).toEqual([]);
    let incomplete = panels;
    await eventually(async () => {
      incomplete = await panelsWithoutData(incomplete);
      expect(incomplete).toEqual([]);
    });
  });

  it('evaluates every alert without an error', async () => {
    await eventually(async () => {
      const rules = await prometheus.ruleHealth();
      expect(rules).toHaveLength(readAlertRules().length);
      expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
    });
  });
});
