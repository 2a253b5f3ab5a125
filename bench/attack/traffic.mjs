// The connections of an attack: to one loopback port, with limits on their number and bytes, until the attack is stopped.
import { once, setMaxListeners } from 'node:events';
import { connect, isIP } from 'node:net';
import { setInterval as every, setTimeout as wait } from 'node:timers/promises';

const MAX_CONNECTIONS = 500;
export const MAX_BYTES = 250_000_000;
const COUNT_EVERY_MS = 20;

/** The loopback address in a URL. Throws for any other host, including names, which may resolve to anything. */
function loopbackAddress(text) {
  const { hostname, port } = new URL(text);
  const isLoopback = hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
  if (!isLoopback || port === '') throw new Error('attacks are for loopback only, like http://127.0.0.1:3000');
  return { host: hostname.replace(/[[\]]/g, ''), port: Number(port) };
}

export class Traffic {
  opened = 0;
  #closedBytes = 0;
  #address;
  #sockets = new Set();
  #stopped = new AbortController();

  constructor(url) {
    this.#address = loopbackAddress(url);
    setMaxListeners(0, this.#stopped.signal); // each connection waits on it
    void this.#watchBytes();
  }

  get isOver() {
    return this.#stopped.signal.aborted;
  }

  /** Closes everything. */
  stop() {
    this.#stopped.abort();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Bytes sent and received. */
  get bytes() {
    return [...this.#sockets].reduce((sum, socket) => sum + bytesOf(socket), this.#closedBytes);
  }

  /** `isReading`: false to leave responses unread. `isHalfOpen`: true to stay open when the service closes its side. */
  open({ isReading = true, isHalfOpen = false } = {}) {
    if (this.isOver || this.#sockets.size >= MAX_CONNECTIONS) return undefined;
    const socket = connect({ ...this.#address, allowHalfOpen: isHalfOpen, noDelay: true });
    this.opened += 1;
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#closedBytes += bytesOf(socket);
    });
    socket.on('error', () => {}); // attackers expect connections to be refused or reset
    if (isReading) socket.resume();
    else socket.pause();
    return socket;
  }

  /** Resolves once more can be sent, with whether the connection is still open. */
  async send(socket, content) {
    if (!socket.writable) return false;
    if (!socket.write(content)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => {});
    return socket.writable;
  }

  /** Resolves after the time, or when the attack is over. */
  async wait(ms) {
    await wait(Math.max(0, ms), undefined, { signal: this.#stopped.signal }).catch(() => {});
  }

  async untilOver() {
    if (!this.isOver) await once(this.#stopped.signal, 'abort');
  }

  async #watchBytes() {
    try {
      for await (const _ of every(COUNT_EVERY_MS, undefined, { signal: this.#stopped.signal })) {
        if (this.bytes > MAX_BYTES) this.stop();
      }
    } catch {} // stopped
  }
}

function bytesOf({ bytesRead, bytesWritten }) {
  return bytesRead + bytesWritten;
}
