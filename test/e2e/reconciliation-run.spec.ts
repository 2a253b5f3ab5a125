// The service as a process, with the simulator as BRTC that loses webhooks: at the end nobody is wrong, and nobody was removed who was
// there, also while its API fails. npm run test:long takes ten minutes, with the default interval and 1 % lost.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { playForever } from '../../simulator/provider/scenario-traffic.js';
import { meeting } from '../../simulator/scenarios/meeting.js';
import { eventually } from '../eventually.js';
import { lengthOf } from '../length.js';
import { down, emptyList, FaultyProxy, tooManyRequests } from '../reconcile/faulty-proxy.js';
import { ACCOUNT, BrtcCustomer } from '../simulator/brtc-customer.js';
import { NO_CHAOS } from '../simulator/settings.js';
import { ServiceProcess } from './process.js';

const CALM_MS = lengthOf(3_000, 60_000);
const FAULT_MS = lengthOf(3_000, 120_000);
const INTERVAL_MS = lengthOf(2_000, 60_000);
/** A short run has few webhooks, so more of them are lost. */
const LOST = lengthOf(10, 1) / 100;
const STAGE = { participants: 60, durationMs: 90_000, arrivalMs: lengthOf(3_000, 30_000) };
/** After the last event, if polls have failed just before: the doubled interval, the age of an answer, and the grace period. */
const SETTLE_MS = 3 * INTERVAL_MS + 60_000;
/** Longer than an answer may be old, and the grace period. */
const CERTAIN_MS = 25_000;

interface Change {
  readonly type: string;
  readonly participantId: string;
  readonly cause?: string;
}

describe('reconciliation of a process', () => {
  let customer: BrtcCustomer;
  let proxy: FaultyProxy;
  let service: ServiceProcess;
  let dataDir: string;
  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'rollcall-reconciliation-'));
    const chaos = { ...NO_CHAOS, lossShare: LOST, duplicateShare: 0.05, reorderShare: 0.2, reorderWithinMs: 2_000 };
    customer = await BrtcCustomer.start({ chaos });
    proxy = await FaultyProxy.start(customer.url);
    service = await ServiceProcess.start({
      DATA_DIR: dataDir,
      SOURCES: 'brtc',
      RECONCILE_MS: String(INTERVAL_MS),
      SOURCE_BRTC_API_URL: proxy.url,
      SOURCE_BRTC_ACCOUNT_ID: ACCOUNT,
      SOURCE_BRTC_API_CREDENTIALS: 'user:password',
      RATE_LIMIT_PER_MINUTE: '1000000',
    });
  });
  afterEach(async () => {
    await service.end('SIGTERM');
    await proxy.stop();
    await customer.simulator.close();
    rmSync(dataDir, { recursive: true });
  });

  // biome-ignore lint/suspicious/noExplicitAny: tests read it like a client
  const get = async (path: string): Promise<any> => (await fetch(service.url + path)).json();
  const present = async () => {
    const { items } = await get('/v1/participants?limit=1000');
    return items.map(({ participantId }: Change) => participantId).sort();
  };
  const connected = () => {
    const { provider } = customer.simulator;
    const ids = [...provider.endpoints.all].map(({ id }) => id);
    return ids.filter((id) => provider.socketsOf(id).length > 0).sort();
  };

  /** Resolves, once aborted, with those who were removed although they had been connected all the time. */
  const watch = async (signal: AbortSignal): Promise<string[]> => {
    const sinceMs = new Map<string, number>();
    const wrong: string[] = [];
    let { position } = await get('/v1/changes');
    while (!signal.aborted) {
      const there = new Set(connected());
      for (const id of sinceMs.keys()) if (!there.has(id)) sinceMs.delete(id);
      for (const id of there) if (!sinceMs.has(id)) sinceMs.set(id, Date.now());
      const page = await get(`/v1/changes?after=${position}&limit=1000`);
      position = page.position;
      for (const { type, cause, participantId } of page.items as Change[]) {
        const isRemoved = type === 'participant.gone' && cause === 'reconciled';
        if (isRemoved && Date.now() - (sinceMs.get(participantId) ?? Date.now()) > CERTAIN_MS)
          wrong.push(participantId);
      }
      await wait(200);
    }
    return wrong;
  };

  it(
    'leaves nobody wrong, whatever its API answers meanwhile',
    async () => {
      const playing = new AbortController();
      const watching = new AbortController();
      const callbackUrl = `${service.url}/callbacks/brtc`;
      const traffic = {
        scenario: meeting,
        stage: STAGE,
        seed: 1,
        product: 'brtc',
        accountId: ACCOUNT,
        callbackUrl,
      } as const;
      const played = playForever(customer.simulator.provider, traffic, playing.signal);
      const watched = watch(watching.signal);
      for (const fault of [down, tooManyRequests, emptyList]) {
        await wait(CALM_MS);
        proxy.fault = fault;
        await wait(FAULT_MS);
        proxy.fault = undefined;
      }
      await wait(CALM_MS);
      playing.abort();
      await played;
      expect(connected().length).toBeGreaterThan(10);
      await eventually(async () => expect(await present()).toEqual(connected()), SETTLE_MS);
      watching.abort();
      expect(await watched).toEqual([]);
      await eventually(async () => {
        const { corrections } = (await get('/v1/reconciliation')).items[0];
        expect(corrections.added + corrections.removed).toBeGreaterThan(0);
      });
    },
    lengthOf(180_000, 1_200_000),
  );
});
