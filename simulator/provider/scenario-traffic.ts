// Plays a scenario repeatedly with participants of the simulated provider, for demonstration.
import { randomUUID } from 'node:crypto';
import { type Cue, play } from '../scenarios/run.js';
import type { Scenario, Stage } from '../scenarios/scenario.js';
import { returnOf, stepOf } from '../scenarios/traffic.js';
import type { Participant } from './participants.js';
import type { Provider } from './provider.js';
import type { Socket } from './socket.js';

export interface ScenarioTraffic {
  readonly scenario: Scenario;
  readonly stage: Stage;
  readonly seed: number;
  readonly accountId: string;
  readonly callbackUrl: string;
}

interface Actor {
  readonly participant: Participant;
  readonly deviceIds: Map<number, string>;
  /** The newest socket of each device. */
  readonly sockets: Map<number, Socket>;
}

/** Resolves when aborted. */
export async function playForever(
  provider: Provider,
  { scenario, stage, seed, accountId, callbackUrl }: ScenarioTraffic,
  signal: AbortSignal,
): Promise<void> {
  const actors = new Map<number, Actor>();
  const take = (cue: Cue) => {
    const { participant: number, life, index } = cue;
    const settings = { callbackUrl, tag: life.tag };
    const actor = actors.get(number) ?? newActor(provider.participants.create(accountId, settings));
    actors.set(number, actor);
    act(provider, actor, cue);
    if (index < life.steps.length - 1) return;
    actors.delete(number);
    provider.remove(accountId, actor.participant.id);
  };
  for (let round = 0; !signal.aborted; round += 1) {
    await play({ scenario, ...stage, seed: seed + round }, { take, room: () => provider.room(), signal });
  }
}

function newActor(participant: Participant): Actor {
  return { participant, deviceIds: new Map(), sockets: new Map() };
}

function act(provider: Provider, actor: Actor, cue: Cue): void {
  const { action, device } = stepOf(cue);
  const { participant, deviceIds, sockets } = actor;
  const socket = sockets.get(device);
  switch (action) {
    case 'connect': {
      const deviceId = deviceIds.get(device) ?? randomUUID();
      deviceIds.set(device, deviceId);
      sockets.set(device, provider.connect(participant, deviceId));
      return;
    }
    case 'leave':
      socket?.remove();
      return;
    case 'lose':
      socket?.closed(returnOf(cue).isBackAtMs);
      return;
    case 'vanish':
      socket?.vanish();
  }
}
