// The connection limit. A health probe comes on a connection of its own, and an orchestrator that is refused one restarts a
// process that is merely full. So a few connections beyond the limit are accepted, on which only probes are answered.
import type { Socket } from 'node:net';

/** Connections beyond the limit. */
const RESERVE = 32;

export class ConnectionLimit {
  readonly #regular = new Set<Socket>();
  /** Oldest first. */
  readonly #reserved = new Set<Socket>();
  readonly #answering = new WeakSet<Socket>();

  /** `refuse` answers that there are too many connections, and closes this one. */
  constructor(
    private readonly most: number,
    private readonly refuse: (socket: Socket) => void,
  ) {}

  accept(socket: Socket): void {
    if (this.#regular.size < this.most) hold(this.#regular, socket);
    else this.#acceptReserved(socket);
  }

  /** Whether only a probe may be answered on it. */
  isReserved(socket: Socket): boolean {
    return this.#reserved.has(socket);
  }

  /** A probe is being answered on this reserved connection: newer ones do not replace it. */
  keep(socket: Socket): void {
    this.#answering.add(socket);
  }

  *[Symbol.iterator](): Generator<Socket> {
    yield* this.#regular;
    yield* this.#reserved;
  }

  /** A probe sends its request as soon as it is connected, so that the oldest one without a request is not a probe. */
  #acceptReserved(socket: Socket): void {
    hold(this.#reserved, socket);
    if (this.#reserved.size <= RESERVE) return;
    const idle = [...this.#reserved].find((one) => !this.#answering.has(one)) ?? socket;
    this.#reserved.delete(idle);
    this.refuse(idle);
  }
}

function hold(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
}
