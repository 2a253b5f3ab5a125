// One socket of a device, from the provider's view: that of a real client, or a simulated one.
import type { SignallingKind } from '../webhooks/signalling-event.js';

export interface SocketParts {
  readonly deviceId: string;
  /** `isBackAtMs`: as in SignallingEvent. */
  readonly notify: (kind: SignallingKind, isBackAtMs?: number) => void;
  /** Closes the connection of a real client, gracefully or like a network failure. `closed` is called afterwards. */
  readonly hangUp?: (isGraceful: boolean) => void;
  readonly onClosed: () => void;
}

/** Notifies of each event once, whichever side caused it. */
export class Socket {
  readonly deviceId: string;
  readonly openedAtMs = Date.now();
  #hasLeft = false;
  #isClosed = false;

  constructor(private readonly parts: SocketParts) {
    this.deviceId = parts.deviceId;
    parts.notify('onConnect');
  }

  /** Whether a real client is connected. */
  get isReal(): boolean {
    return this.parts.hangUp !== undefined;
  }

  /** The client leaves, or the provider removes it; the socket is closed next. */
  leave(): void {
    if (this.#hasLeft || this.#isClosed) return;
    this.#hasLeft = true;
    this.parts.notify('onLeave');
  }

  /** The socket is closed. `isBackAtMs`: when its device opens another one, if known. */
  closed(isBackAtMs = Date.now()): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.parts.onClosed();
    this.parts.notify('onDisconnect', this.#hasLeft ? undefined : isBackAtMs);
  }

  /** The provider closes the socket. */
  remove(): void {
    this.leave();
    if (this.parts.hangUp) this.parts.hangUp(true);
    else this.closed();
  }

  /** The network fails. */
  drop(): void {
    if (this.parts.hangUp) this.parts.hangUp(false);
    else this.closed();
  }

  /** The socket is gone, and no webhook is ever sent for it. */
  vanish(): void {
    this.#isClosed = true;
    this.parts.onClosed();
  }
}
