// Clients that do not read what they asked for. What the system's buffers do not take stays in this process, so a connection
// on which nothing could be sent for a while is cut, whatever it is used for. One that is slow but reads is left alone.
import type { Socket } from 'node:net';

interface Progress {
  readonly sentBytes: number;
  readonly sinceMs: number;
}

export class StalledWrites {
  readonly #progress = new WeakMap<Socket, Progress>();

  constructor(
    private readonly limitMs: number,
    private readonly cut: (socket: Socket) => void,
  ) {}

  /** To be called every now and then with all connections. */
  check(sockets: Iterable<Socket>, nowMs: number): void {
    for (const socket of sockets) {
      if (socket.writableLength === 0) {
        this.#progress.delete(socket);
        continue;
      }
      const sentBytes = sentBytesOf(socket);
      const known = this.#progress.get(socket);
      if (known?.sentBytes !== sentBytes) this.#progress.set(socket, { sentBytes, sinceMs: nowMs });
      else if (nowMs - known.sinceMs >= this.limitMs) this.cut(socket);
    }
  }
}

/**
 * What the system has taken of all that was written. Public properties only tell when a whole write is done, and a slow client
 * may take minutes for one; Node's own socket timeout looks at the same figure.
 */
function sentBytesOf(socket: Socket): number {
  const { _handle: handle } = socket as { _handle?: { bytesWritten: number; writeQueueSize: number } | null };
  return handle ? handle.bytesWritten - handle.writeQueueSize : socket.bytesWritten;
}
