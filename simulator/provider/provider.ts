// The simulated provider: its participants and endpoints, their connected devices, and the webhooks sent for them.
import { ApiError } from '../api/api-error.js';
import type { CallbackClient } from '../webhooks/callback-client.js';
import type { Chaos, Delivery } from '../webhooks/chaos.js';
import { Dispatcher } from '../webhooks/dispatcher.js';
import type { SignallingEvent } from '../webhooks/signalling-event.js';
import { FORMATS, type Product } from '../webhooks/webhook-format.js';
import { DeliveryLog, type LoggedWebhook } from './delivery-log.js';
import { type Endpoint, type EndpointSettings, Endpoints } from './endpoints.js';
import { type ParticipantSettings, Participants } from './participants.js';
import { callbackUrlsOf, type Party, productOf } from './party.js';
import { Socket, type SocketParts } from './socket.js';

interface AddressedDelivery extends Delivery {
  readonly callbackUrls: readonly [string, ...string[]];
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
  readonly endpoints: Endpoints;
  readonly log = new DeliveryLog();
  readonly #connected = new Map<string, Connected>();
  readonly #dispatcher: Dispatcher<AddressedDelivery>;

  constructor(
    private readonly client: CallbackClient,
    private readonly chaos: Chaos,
    private readonly endpointLifetimeMs: number,
  ) {
    this.participants = new Participants(client.hosts);
    this.endpoints = new Endpoints(client.hosts, endpointLifetimeMs);
    this.#dispatcher = new Dispatcher(
      ({ callbackUrls, body }) => this.client.sendToFirst(callbackUrls, body),
      MAX_IN_FLIGHT,
      ({ logged }, response) => logged.answers.push(response),
    );
  }

  /** Those of the WebRTC API first. */
  get parties(): readonly Party[] {
    return [...this.participants.all, ...this.endpoints.all];
  }

  /** In any account. */
  find(id: string): Party | undefined {
    return this.participants.find(id) ?? this.endpoints.find(id);
  }

  /** Creates a participant, or an endpoint with the same URL and tag. Throws ApiError. */
  create(product: Product, accountId: string, settings: ParticipantSettings): Party {
    if (product === 'bandwidth') return this.participants.create(accountId, settings);
    const { callbackUrl, tag } = settings;
    const eventCallbackUrl = callbackUrl ?? undefined;
    return this.createEndpoint(accountId, { direction: 'BIDIRECTIONAL', eventCallbackUrl, tag });
  }

  /** It is deleted when its lifetime is over. Throws ApiError. */
  createEndpoint(accountId: string, settings: EndpointSettings): Endpoint {
    const endpoint = this.endpoints.create(accountId, settings);
    setTimeout(() => this.remove(endpoint), this.endpointLifetimeMs).unref();
    return endpoint;
  }

  socketsOf(partyId: string): Socket[] {
    return [...(this.#connected.get(partyId)?.sockets ?? [])];
  }

  /** `hangUp`: as in SocketParts; without it the device is simulated. Throws ApiError. */
  connect(party: Party, deviceId: string, hangUp?: SocketParts['hangUp']): Socket {
    const connected = this.#connected.get(party.id) ?? { sockets: new Set(), count: 0 };
    if (productOf(party) === 'brtc' && connected.sockets.size > 0) {
      throw new ApiError(409, `endpoint ${party.id} already has an active connection`);
    }
    this.#connected.set(party.id, connected);
    connected.count += 1;
    const about = { participantId: party.id, deviceId, tag: party.tag, socket: connected.count };
    const socket = new Socket({
      deviceId,
      hangUp,
      notify: (kind, isBackAtMs) => this.#notify(party, { ...about, kind, atMs: Date.now(), isBackAtMs }),
      onClosed: () => connected.sockets.delete(socket),
    });
    connected.sockets.add(socket);
    return socket;
  }

  /** Deletes it, makes its devices leave, and invalidates its token. */
  remove({ id }: Party): void {
    this.participants.delete(id);
    this.endpoints.delete(id);
    for (const socket of this.socketsOf(id)) socket.remove();
    this.#connected.delete(id);
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

  #notify(party: Party, event: SignallingEvent): void {
    const [first, ...others] = callbackUrlsOf(party);
    if (first === undefined) return;
    const { names, bodyOf } = FORMATS[productOf(party)];
    for (const name of names[event.kind]) {
      const { deliveries } = this.chaos.plan(event, (one, timestampMs) =>
        bodyOf(name, one, timestampMs, party.accountId),
      );
      const logged = this.log.add(name, event, deliveries.length);
      for (const delivery of deliveries)
        this.#dispatcher.add({ ...delivery, callbackUrls: [first, ...others], logged });
    }
  }
}
