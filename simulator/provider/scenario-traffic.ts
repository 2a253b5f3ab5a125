// Plays a scenario repeatedly with participants of the simulated provider, for demonstration.
import { type Cue, play } from '../scenarios/run.js';
import type { Scenario, Stage } from '../scenarios/scenario.js';
import { returnOf, stepOf } from '../scenarios/traffic.js';
import type { Product } from '../webhooks/webhook-format.js';
import { newDeviceId, type Party } from './party.js';
import type { Provider } from './provider.js';
import type { Socket } from './socket.js';

export interface ScenarioTraffic {
  readonly scenario: Scenario;
  readonly stage: Stage;
  readonly seed: number;
  readonly product: Product;
  readonly accountId: string;
  readonly callbackUrl: string;
}

/** One device of a participant of the scenario. */
interface Device {
  readonly party: Party;
  readonly deviceId: string;
  /** The newest one. */
  socket: Socket;
}

/** By number. */
type Actor = Map<number, Device>;

/** Resolves when aborted. */
export async function playForever(
  provider: Provider,
  { scenario, stage, seed, ...traffic }: ScenarioTraffic,
  signal: AbortSignal,
): Promise<void> {
  const actors = new Map<number, Actor>();
  const take = (cue: Cue) => {
    const { participant: number, life, index } = cue;
    const actor = actors.get(number) ?? new Map();
    actors.set(number, actor);
    act(provider, actor, cue, traffic);
    if (index < life.steps.length - 1) return;
    actors.delete(number);
    for (const party of new Set([...actor.values()].map((device) => device.party))) provider.remove(party);
  };
  for (let round = 0; !signal.aborted; round += 1) {
    await play({ scenario, ...stage, seed: seed + round }, { take, room: () => provider.room(), signal });
  }
}

type Customer = Pick<ScenarioTraffic, 'product' | 'accountId' | 'callbackUrl'>;

function act(provider: Provider, actor: Actor, cue: Cue, customer: Customer): void {
  const { action, device: number } = stepOf(cue);
  const device = actor.get(number);
  switch (action) {
    case 'connect':
      if (device) device.socket = provider.connect(device.party, device.deviceId);
      else actor.set(number, newDevice(provider, actor, cue, customer));
      return;
    case 'leave':
      device?.socket.remove();
      return;
    case 'lose':
      device?.socket.closed(returnOf(cue).isBackAtMs);
      return;
    case 'vanish':
      device?.socket.vanish();
  }
}

/** Devices of one participant share it, but an endpoint is for one device. */
function newDevice(provider: Provider, actor: Actor, { life }: Cue, customer: Customer): Device {
  const { product, accountId, callbackUrl } = customer;
  const shared = product === 'bandwidth' ? [...actor.values()][0]?.party : undefined;
  const party = shared ?? provider.create(product, accountId, { callbackUrl, tag: life.tag });
  const deviceId = newDeviceId(party);
  return { party, deviceId, socket: provider.connect(party, deviceId) };
}
