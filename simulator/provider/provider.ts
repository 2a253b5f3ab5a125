// The provider as a whole: who there is, which devices are connected, and what is told of them to whom.
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
  /** How many there have been. */
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
      ({ logged }, answer) => logged.answers.push(answer),
    );
  }

  socketsOf(participantId: string): Socket[] {
    return [...(this.#connected.get(participantId)?.sockets ?? [])];
  }

  /** `hangUp`: as in SocketParts; without it the device is only said to be there. */
  connect(participant: Participant, deviceId: string, hangUp?: SocketParts['hangUp']): Socket {
    const connected = this.#connected.get(participant.id) ?? { sockets: new Set(), count: 0 };
    this.#connected.set(participant.id, connected);
    connected.count += 1;
    const about = { participantId: participant.id, deviceId, tag: participant.tag, socket: connected.count };
    const socket = new Socket({
      deviceId,
      hangUp,
      tell: (kind, isBackAtMs) => this.#tell(participant, { ...about, kind, atMs: Date.now(), isBackAtMs }),
      onClosed: () => connected.sockets.delete(socket),
    });
    connected.sockets.add(socket);
    return socket;
  }

  /** Its devices are made to leave, and its token is worth nothing from now on. Throws ApiError. */
  remove(accountId: string, participantId: string): void {
    this.participants.delete(accountId, participantId);
    for (const socket of this.socketsOf(participantId)) socket.remove();
    this.#connected.delete(participantId);
  }

  /** Resolves when a scenario may go on. */
  room(): Promise<void> {
    return this.#dispatcher.room();
  }

  /** Real clients are cut, and nothing more is told. */
  async close(): Promise<void> {
    this.#dispatcher.stop();
    for (const { sockets } of this.#connected.values()) for (const socket of sockets) socket.drop();
    await this.client.close();
  }

  #tell({ callbackUrl }: Participant, event: SignallingEvent): void {
    if (!callbackUrl) return;
    const { deliveries } = this.chaos.tell(event);
    const logged = this.log.add(event, deliveries.length);
    for (const delivery of deliveries) this.#dispatcher.add({ ...delivery, callbackUrl, logged });
  }
}
