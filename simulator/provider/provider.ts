// The simulated provider: its participants, their connected devices, and the webhooks sent for them.
import type { CallbackClient } from '../webhooks/callback-client.js';
import type { Chaos, Delivery } from '../webhooks/chaos.js';
import { Dispatcher } from '../webhooks/dispatcher.js';
import type { SignallingEvent } from '../webhooks/signalling-event.js';
import { DeliveryLog, type LoggedWebhook } from './delivery-log.js';
import { type Participant, Participants } from './participants.js';
import { Socket, type SocketParts } from './socket.js';

interface AddressedDelivery extends Delivery {
  readonly callbackUrl: string;
  readonly logged: LoggedWebhook;
}

interface Connected {
  readonly sockets: Set<Socket>;
  /** The number of sockets opened so far. */
  count: number;
}

const MAX_IN_FLIGHT = 64;

export class Provider {
  readonly participants: Participants;
  readonly log = new DeliveryLog();
  readonly #connected = new Map<string, Connected>();
  readonly #dispatcher: Dispatcher<AddressedDelivery>;

  constructor(
    private readonly client: CallbackClient,
    private readonly chaos: Chaos,
  ) {
    this.participants = new Participants(client.hosts);
    this.#dispatcher = new Dispatcher(
      ({ callbackUrl, body }) => this.client.send(callbackUrl, body),
      MAX_IN_FLIGHT,
      ({ logged }, response) => logged.answers.push(response),
    );
  }

  socketsOf(participantId: string): Socket[] {
    return [...(this.#connected.get(participantId)?.sockets ?? [])];
  }

  /** `hangUp`: as in SocketParts; without it the device is simulated. */
  connect(participant: Participant, deviceId: string, hangUp?: SocketParts['hangUp']): Socket {
    const connected = this.#connected.get(participant.id) ?? { sockets: new Set(), count: 0 };
    this.#connected.set(participant.id, connected);
    connected.count += 1;
    const about = { participantId: participant.id, deviceId, tag: participant.tag, socket: connected.count };
    const socket = new Socket({
      deviceId,
      hangUp,
      notify: (kind, isBackAtMs) => this.#notify(participant, { ...about, kind, atMs: Date.now(), isBackAtMs }),
      onClosed: () => connected.sockets.delete(socket),
    });
    connected.sockets.add(socket);
    return socket;
  }

  /** Removes the participant, makes its devices leave, and invalidates its token. Throws ApiError. */
  remove(accountId: string, participantId: string): void {
    this.participants.delete(accountId, participantId);
    for (const socket of this.socketsOf(participantId)) socket.remove();
    this.#connected.delete(participantId);
  }

  /** Resolves when a scenario may continue. */
  room(): Promise<void> {
    return this.#dispatcher.room();
  }

  /** Disconnects real clients and stops sending webhooks. */
  async close(): Promise<void> {
    this.#dispatcher.stop();
    for (const { sockets } of this.#connected.values()) for (const socket of sockets) socket.drop();
    await this.client.close();
  }

  #notify({ callbackUrl }: Participant, event: SignallingEvent): void {
    if (!callbackUrl) return;
    const { deliveries } = this.chaos.plan(event);
    const logged = this.log.add(event, deliveries.length);
    for (const delivery of deliveries) this.#dispatcher.add({ ...delivery, callbackUrl, logged });
  }
}
