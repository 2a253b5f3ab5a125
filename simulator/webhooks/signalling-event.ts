// What happens to the socket of a device, and so what the provider has to tell: the truth, before anything happens to
// the telling. Source: https://dev.bandwidth.com/docs/webrtc/webhooks.

export type SignallingKind = 'onConnect' | 'onLeave' | 'onDisconnect';

export interface SignallingEvent {
  readonly kind: SignallingKind;
  readonly participantId: string;
  readonly deviceId: string;
  readonly tag?: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** Which of the sockets that the participant opened, counted from 1: it is at one host of the provider. */
  readonly socket: number;
  /**
   * Of a socket that was lost, and whose device comes back: when, or the time of the loss when nobody can know yet.
   * The provider may notice it only after that.
   */
  readonly isBackAtMs?: number;
}

/** The provider's body, as in its documentation: the time is a string, `tag` is there only when there is one. */
export function webhookBody({ kind, participantId, deviceId, tag }: SignallingEvent, timestampMs: number): string {
  return JSON.stringify({
    event: kind,
    timestamp: String(timestampMs),
    participantId,
    deviceId,
    ...(tag ? { tag } : {}),
  });
}
