// The connection limit. A health probe opens its own connection, and an orchestrator whose probe is refused restarts a process
// that is merely full. So a few connections beyond the limit are accepted, but only probes are answered on them.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Connections beyond the limit. */
const RESERVED = 32;

/** Evicting idle connections scans all of them, so it runs at most this often. */
const EVICTION_INTERVAL_MS = 1_000;

/** As of the last `sample()`. */
interface Sample {
  readonly bytesRead: number;
  /** Nothing was received since the sample before. */
  readonly isUnused: boolean;
}

export class ConnectionLimit {
  readonly #regular = new Set<Socket>();
  /** Oldest first. */
  readonly #reserved = new Set<Socket>();
  readonly #answering = new WeakSet<Socket>();

  readonly #samples = new WeakMap<Socket, Sample>();
  #evictedAtMs = Number.NEGATIVE_INFINITY;

  /** `refuse` must send an error response and close the connection. */
  constructor(
    private readonly max: number,
    private readonly refuse: (socket: Socket) => void,
  ) {}

  /** Must be called periodically: only connections that received nothing between two samples can be evicted. */
  sample(): void {
    for (const socket of this.#regular) {
      const { bytesRead } = socket;
      this.#samples.set(socket, { bytesRead, isUnused: this.#samples.get(socket)?.bytesRead === bytesRead });
    }
  }

  accept(socket: Socket): void {
    if (this.#regular.size >= this.max) this.#evictIdle();
    if (this.#regular.size < this.max) track(this.#regular, socket);
    else this.#acceptReserved(socket);
  }

  /** Whether only probes may be answered on the connection. */
  isReserved(socket: Socket): boolean {
    return this.#reserved.has(socket);
  }

  /** Marks a reserved connection on which a probe is being answered: newer connections do not replace it. */
  pin(socket: Socket): void {
    this.#answering.add(socket);
  }

  *[Symbol.iterator](): Generator<Socket> {
    yield* this.#regular;
    yield* this.#reserved;
  }

  /**
   * The keep-alive timeout is long, so idle connections must not be able to fill the limit. A connection in active use is also
   * idle most of the time: a flood of new connections must not evict it.
   */
  #evictIdle(): void {
    if (performance.now() - this.#evictedAtMs < EVICTION_INTERVAL_MS) return;
    this.#evictedAtMs = performance.now();
    for (const socket of this.#regular) {
      const sample = this.#samples.get(socket);
      if (!sample?.isUnused || sample.bytesRead !== socket.bytesRead || !isIdle(socket)) continue;
      socket.destroy();
      this.#regular.delete(socket);
    }
  }

  /** A probe sends its request as soon as it is connected, so the oldest connection without a request is not a probe. */
  #acceptReserved(socket: Socket): void {
    track(this.#reserved, socket);
    if (this.#reserved.size <= RESERVED) return;
    const oldest = [...this.#reserved].find((one) => !this.#answering.has(one)) ?? socket;
    this.#reserved.delete(oldest);
    this.refuse(oldest);
  }
}

function track(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
}

/** Whether the connection waits for another request. Node's own API can only close all idle connections at once. */
function isIdle(socket: Socket): boolean {
  const { _httpMessage: response } = socket as { _httpMessage?: ServerResponse | null };
  return socket.bytesRead > 0 && !response;
}
