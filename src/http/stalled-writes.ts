// Closes connections whose client has stopped reading. Data that does not fit the system's buffers stays in this process, so a
// connection on which nothing could be sent for a while is closed. A client that reads slowly is left alone.
import type { Socket } from 'node:net';

interface Progress {
  readonly sentBytes: number;
  readonly sinceMs: number;
}

export class StalledWrites {
  readonly #progress = new WeakMap<Socket, Progress>();

  constructor(
    private readonly limitMs: number,
    private readonly close: (socket: Socket) => void,
  ) {}

  /** Must be called periodically with all connections. */
  check(sockets: Iterable<Socket>, nowMs: number): void {
    for (const socket of sockets) {
      if (socket.writableLength === 0) {
        this.#progress.delete(socket);
        continue;
      }
      const sentBytes = sentBytesOf(socket);
      const known = this.#progress.get(socket);
      if (known?.sentBytes !== sentBytes) this.#progress.set(socket, { sentBytes, sinceMs: nowMs });
      else if (nowMs - known.sinceMs >= this.limitMs) this.close(socket);
    }
  }
}

/**
 * The number of bytes handed to the system. Public properties change only when a whole write is done, which can take a slow
 * client minutes; Node's own socket timeout reads the same internal figures.
 */
function sentBytesOf(socket: Socket): number {
  const { _handle: handle } = socket as { _handle?: { bytesWritten: number; writeQueueSize: number } | null };
  return handle ? handle.bytesWritten - handle.writeQueueSize : socket.bytesWritten;
}
