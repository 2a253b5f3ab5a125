// An event of a device's socket, which the provider reports by a webhook: the truth, before chaos affects its delivery.
// Source: https://dev.bandwidth.com/docs/webrtc/webhooks.

export type SignallingKind = 'onConnect' | 'onLeave' | 'onDisconnect';

export interface SignallingEvent {
  readonly kind: SignallingKind;
  readonly participantId: string;
  readonly deviceId: string;
  readonly tag?: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** The number of the socket among those of the participant, counted from 1. Determines the provider's host. */
  readonly socket: number;
  /**
   * For a lost socket whose device reconnects: when it does, or the time of the loss if that is not known yet. The provider
   * may notice the loss only after the device is back.
   */
  readonly isBackAtMs?: number;
}

/** The body as the provider documents it: the time is a string, and `tag` is present only if there is one. */
export function webhookBody({ kind, participantId, deviceId, tag }: SignallingEvent, timestampMs: number): string {
  return JSON.stringify({
    event: kind,
    timestamp: String(timestampMs),
    participantId,
    deviceId,
    ...(tag ? { tag } : {}),
  });
}
