// The connection limit. A health probe comes on a connection of its own, and an orchestrator that is refused one restarts a
// process that is merely full. So a few connections beyond the limit are accepted, on which only probes are answered.
import type { Socket } from 'node:net';

/** Connections beyond the limit. */
const RESERVE = 32;

/** It looks at every connection there is. */
const MAKE_ROOM_MS = 1_000;

interface ConnectionLimitParts {
  readonly closeIdle: () => void;
  /** Answers that there are too many connections, and closes this one. */
  readonly refuse: (socket: Socket) => void;
}

export class ConnectionLimit {
  readonly #regular = new Set<Socket>();
  /** Oldest first. */
  readonly #reserved = new Set<Socket>();
  readonly #answering = new WeakSet<Socket>();

  #closedIdleAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly most: number,
    private readonly parts: ConnectionLimitParts,
  ) {}

  accept(socket: Socket): void {
    if (this.#regular.size >= this.most) this.#makeRoom();
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

  /** Idle connections are kept open for long, and nobody may hold all of them for nothing. */
  #makeRoom(): void {
    if (performance.now() - this.#closedIdleAtMs < MAKE_ROOM_MS) return;
    this.#closedIdleAtMs = performance.now();
    this.parts.closeIdle();
    for (const socket of this.#regular) if (socket.destroyed) this.#regular.delete(socket);
  }

  /** A probe sends its request as soon as it is connected, so that the oldest one without a request is not a probe. */
  #acceptReserved(socket: Socket): void {
    hold(this.#reserved, socket);
    if (this.#reserved.size <= RESERVE) return;
    const idle = [...this.#reserved].find((one) => !this.#answering.has(one)) ?? socket;
    this.#reserved.delete(idle);
    this.parts.refuse(idle);
  }
}

function hold(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
}
