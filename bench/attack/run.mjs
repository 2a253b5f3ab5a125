// Runs attacks one after another: each on its own service, or all on the same one.
import { between, randomOf, seedOf } from '../../simulator/dist/random.js';
import { table } from '../table.mjs';
import { lineOf, rowOf } from './report.mjs';
import { attackOnce } from './round.mjs';
import { currentPosition, openStage } from './stage.mjs';

/** For a service that has just started. */
const WARM_UP_MS = 1_500;
const CONTROL_MS = 1_500;

export async function attackEach({ attacks, stores, secondsOf, seed }) {
  const rounds = [];
  for (const store of stores) {
    for (const attack of attacks) {
      await onStage(store, async (stage) => {
        rounds.push(await attackAndTell(stage, { attack, seconds: secondsOf(attack), seed: seedOf(seed) }));
      });
    }
  }
  console.log(`\n${table(rounds.map(rowOf))}`);
  return rounds;
}

/** Ends early if the service exits. */
export async function soak({ attacks, stores, secondsOf, seed, minutes }) {
  const rounds = [];
  const random = randomOf(seedOf(seed), 1);
  for (const store of stores) {
    const untilMs = Date.now() + minutes * 60_000;
    await onStage(store, async (stage) => {
      let turn = [];
      while (Date.now() < untilMs && stage.watch.isAlive()) {
        if (turn.length === 0) turn = shuffled(attacks, random);
        const attack = turn.pop();
        await renewPosition(stage);
        const roundSeed = Math.floor(between(random, 0, 2 ** 31));
        rounds.push(await attackAndTell(stage, { attack, seconds: secondsOf(attack), seed: roundSeed }));
      }
    });
  }
  const failed = rounds.filter((round) => round.failed.length > 0);
  if (failed.length > 0) console.log(`\n${table(failed.map(rowOf))}`);
  console.log(`\n${rounds.length} attacks, of which ${failed.length} failed`);
  return rounds;
}

async function attackAndTell(stage, { attack, seconds, seed }) {
  const round = await attackOnce(stage, { attack, controlMs: CONTROL_MS, attackMs: seconds * 1_000, seed });
  console.log(lineOf(round));
  for (const fault of round.attacker.faults) console.log(`  ${fault}`);
  return round;
}

async function onStage(store, use) {
  const stage = await openStage(store);
  try {
    await stage.honest.outcome(Date.now(), Date.now() + WARM_UP_MS, { timeoutMs: 0 });
    await use(stage);
  } finally {
    await stage.close();
  }
}

/** During a long soak, the feed drops its first entries. */
async function renewPosition({ request, target }) {
  const { status } = await request(`/v1/changes?limit=1&after=${target.position}`);
  if (status === 410) target.position = await currentPosition(request);
}

function shuffled(items, random) {
  const order = items.map((item) => ({ item, rank: random() }));
  return order.sort((a, b) => a.rank - b.rank).map(({ item }) => item);
}
