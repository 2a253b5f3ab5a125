// One socket of a device, as the provider sees it: a real client's, or one that is only said to be there.
import type { SignallingKind } from '../webhooks/signalling-event.js';

export interface SocketParts {
  readonly deviceId: string;
  /** `isBackAtMs`: as in SignallingEvent. */
  readonly tell: (kind: SignallingKind, isBackAtMs?: number) => void;
  /** Closes the connection of a real client: in order, or as a network does that fails. `closed` is called after it. */
  readonly hangUp?: (isInOrder: boolean) => void;
  readonly onClosed: () => void;
}

/** Tells of each thing once, whoever began it. */
export class Socket {
  readonly deviceId: string;
  #hasLeft = false;
  #isClosed = false;

  constructor(private readonly parts: SocketParts) {
    this.deviceId = parts.deviceId;
    parts.tell('onConnect');
  }

  /** Whether a client is at the other end. */
  get isReal(): boolean {
    return this.parts.hangUp !== undefined;
  }

  /** The client says that it leaves, or the provider wants it gone; the socket is closed next. */
  leave(): void {
    if (this.#hasLeft || this.#isClosed) return;
    this.#hasLeft = true;
    this.parts.tell('onLeave');
  }

  /** Nothing more comes of it. `isBackAtMs`: when its device has another one, if that is known. */
  closed(isBackAtMs = Date.now()): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.parts.onClosed();
    this.parts.tell('onDisconnect', this.#hasLeft ? undefined : isBackAtMs);
  }

  /** The provider ends it. */
  remove(): void {
    this.leave();
    if (this.parts.hangUp) this.parts.hangUp(true);
    else this.closed();
  }

  /** The network ends it. */
  drop(): void {
    if (this.parts.hangUp) this.parts.hangUp(false);
    else this.closed();
  }

  /** It is gone, and nobody is told. */
  vanish(): void {
    this.#isClosed = true;
    this.parts.onClosed();
  }
}
