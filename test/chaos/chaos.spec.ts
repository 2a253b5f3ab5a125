// A history checker: while clients send callbacks, a fault strikes; afterwards the state must be exactly what the reference model
// computes from all acknowledged events. `npm run chaos -- --minutes 30 --seed 7` runs more rounds, with longer outages.
import { expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { FAULTS, type Fault } from './faults.js';
import { faultsIn, type Sent, type Shown } from './history.js';
import { Random } from './random.js';
import { Traffic } from './traffic.js';
import { GRACE_MS, World } from './world.js';

const MINUTES = Number(process.env.CHAOS_MINUTES ?? 0);
const SEED = Number(process.env.CHAOS_SEED ?? 1);
const IS_LONG = MINUTES > 0;
const POLICY = {
  graceMs: GRACE_MS,
  leaveGraceMs: 0,
  overlapMs: 0,
  maxConnectionMs: 9 * 3_600_000,
  clockSkewMs: 5_000,
  devicesAtOnce: 'many',
  socketsPerDevice: 'many',
};
interface Round {
  readonly acknowledged: number;
  readonly unknown: number;
  readonly maxWaitMs: number;
}

async function play({ name, world: options, strike, isUnnoticed }: Fault, random: Random): Promise<Round> {
  const world = await World.start(options);
  try {
    const position = await firstPosition(world);
    const traffic = new Traffic(() => world.url, random);
    await strike(world, random, IS_LONG ? random.between(2_000, 30_000) : 2_500);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await traffic.stop();
    const { history } = traffic;
    await expectConsistent(world, history);
    await expectFeedAgrees(world, position, history);
    expect(world.service.output).not.toMatch(/"level":60/);
    const unanswered = history.filter(({ outcome }) => outcome === 'unknown');
    const maxWaitMs = Math.round(Math.max(...history.map(({ waitedMs }) => waitedMs)));
    if (isUnnoticed) expect(unanswered.map(({ status }) => status)).toEqual([]);
    return { acknowledged: history.length - unanswered.length, unknown: unanswered.length, maxWaitMs };
  } catch (error) {
    // To understand what happened.
    console.error(`${name}\n${world.service.output.slice(-3_000)}`);
    throw error;
  } finally {
    await world.stop();
  }
}

/** Spooled events may still be being applied, and the last disconnects within their grace period. */
async function expectConsistent(world: World, history: readonly Sent[]): Promise<void> {
  expect(history.length).toBeGreaterThan(100);
  const ids = [...new Set(history.map(({ participantId }) => participantId))];
  await eventually(async () => {
    const shown: Shown[] = [];
    for (let first = 0; first < ids.length; first += 500)
      shown.push(...(await lookUp(world, ids.slice(first, first + 500))));
    expect(faultsIn(history, shown, POLICY, Date.now()).slice(0, 5)).toEqual([]);
  }, 30_000);
}

async function lookUp(world: World, participantIds: readonly string[]): Promise<Shown[]> {
  const response = await world.service.post('/v1/participants/lookup', { participantIds });
  expect(response.status).toBe(200);
  return ((await response.json()) as { items: Shown[] }).items;
}

interface Page {
  readonly items: readonly { readonly type: string; readonly participantId: string; readonly state: string }[];
  readonly position: string;
}

/** The last change of each participant announces its state, unless the store has lost the feed. */
async function expectFeedAgrees(world: World, from: string, history: readonly Sent[]): Promise<void> {
  const ids = [...new Set(history.map(({ participantId }) => participantId))].slice(0, 500);
  const announced = new Map<string, string>();
  let position = from;
  // A grace period may end between the two reads.
  await eventually(async () => {
    const shown = await lookUp(world, ids);
    for (let count = 1; count > 0; ) {
      const response = await fetch(`${world.url}/v1/changes?after=${position}&limit=1000`);
      if (response.status === 410) return;
      const page = (await response.json()) as Page;
      for (const { type, participantId, state } of page.items) {
        if (type.startsWith('participant.')) announced.set(participantId, state);
      }
      ({ position } = page);
      count = page.items.length;
    }
    for (const { participantId, state } of shown) {
      if (state !== 'unknown') expect([participantId, announced.get(participantId)]).toEqual([participantId, state]);
    }
  }, 30_000);
}

/** Once the service has reached all servers, which a busy machine delays. */
async function firstPosition(world: World): Promise<string> {
  let page: Partial<Page> = {};
  await eventually(async () => {
    const response = await fetch(`${world.url}/v1/changes`);
    expect(response.status).toBe(200);
    page = (await response.json()) as Page;
  });
  return String(page.position);
}

if (!IS_LONG) {
  it.each(FAULTS)('nothing acknowledged is lost when $name', async (fault) => {
    const { acknowledged } = await play(fault, new Random(SEED));
    expect(acknowledged).toBeGreaterThan(50);
  });
} else {
  it(`nothing acknowledged is lost in ${MINUTES} minutes of faults`, playForMinutes, (MINUTES + 5) * 60_000);
}

async function playForMinutes(): Promise<void> {
  const random = new Random(SEED);
  const endMs = Date.now() + MINUTES * 60_000;
  const totals = new Map<string, Round & { rounds: number }>();
  while (Date.now() < endMs) {
    const fault = FAULTS[random.below(FAULTS.length)] as Fault;
    const { acknowledged, unknown, maxWaitMs } = await play(fault, random);
    const total = totals.get(fault.name) ?? { rounds: 0, acknowledged: 0, unknown: 0, maxWaitMs: 0 };
    totals.set(fault.name, {
      rounds: total.rounds + 1,
      acknowledged: total.acknowledged + acknowledged,
      unknown: total.unknown + unknown,
      maxWaitMs: Math.max(total.maxWaitMs, maxWaitMs),
    });
  }
  console.table([...totals].map(([fault, total]) => ({ fault, ...total })));
  expect(totals.size).toBeGreaterThan(0);
}
