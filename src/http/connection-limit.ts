// The connection limit. A health probe comes on a connection of its own, and an orchestrator that is refused one restarts a
// process that is merely full. So a few connections beyond the limit are accepted, on which only probes are answered.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Connections beyond the limit. */
const RESERVE = 32;

/** It looks at every connection there is. */
const MAKE_ROOM_MS = 1_000;

/** At the last look. */
interface Seen {
  readonly bytesRead: number;
  /** Nothing came since the look before. */
  readonly isUnused: boolean;
}

export class ConnectionLimit {
  readonly #regular = new Set<Socket>();
  /** Oldest first. */
  readonly #reserved = new Set<Socket>();
  readonly #answering = new WeakSet<Socket>();

  readonly #seen = new WeakMap<Socket, Seen>();
  #madeRoomAtMs = Number.NEGATIVE_INFINITY;

  /** `refuse` answers that there are too many connections, and closes this one. */
  constructor(
    private readonly most: number,
    private readonly refuse: (socket: Socket) => void,
  ) {}

  /** To be called every now and then: only connections on which nothing came between two looks make room for others. */
  look(): void {
    for (const socket of this.#regular) {
      const { bytesRead } = socket;
      this.#seen.set(socket, { bytesRead, isUnused: this.#seen.get(socket)?.bytesRead === bytesRead });
    }
  }

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

  /**
   * Idle connections are kept open for long, and nobody may hold all of them for nothing. One that is in use is idle, too, most of
   * the time: a flood of others must not take its place.
   */
  #makeRoom(): void {
    if (performance.now() - this.#madeRoomAtMs < MAKE_ROOM_MS) return;
    this.#madeRoomAtMs = performance.now();
    for (const socket of this.#regular) {
      const seen = this.#seen.get(socket);
      if (!seen?.isUnused || seen.bytesRead !== socket.bytesRead || !isIdle(socket)) continue;
      socket.destroy();
      this.#regular.delete(socket);
    }
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

/** Whether it waits for another request. Node tells it of all connections at once, by closing them. */
function isIdle(socket: Socket): boolean {
  const { _httpMessage: response } = socket as { _httpMessage?: ServerResponse | null };
  return socket.bytesRead > 0 && !response;
}
