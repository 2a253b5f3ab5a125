// What each product of the provider sends for an event of a device's socket.
import { type SignallingEvent, type SignallingKind, webhookBody } from './signalling-event.js';

export const PRODUCTS = ['bandwidth', 'brtc'] as const;
export type Product = (typeof PRODUCTS)[number];

export interface WebhookFormat {
  /** The names of the webhooks that the provider sends for one event, in order. */
  readonly names: Readonly<Record<SignallingKind, readonly string[]>>;
  readonly bodyOf: (name: string, event: SignallingEvent, timestampMs: number, accountId: string) => string;
}

export const FORMATS: Readonly<Record<Product, WebhookFormat>> = {
  bandwidth: {
    names: { onConnect: ['onConnect'], onLeave: ['onLeave'], onDisconnect: ['onDisconnect'] },
    bodyOf: (_, event, timestampMs) => webhookBody(event, timestampMs),
  },
  // A device is eligible once it sends audio, as a simulated one does at once. No webhook says that it left on purpose.
  brtc: {
    names: {
      onConnect: ['endpointConnected', 'endpointEligible'],
      onLeave: [],
      onDisconnect: ['endpointDisconnected'],
    },
    bodyOf: endpointBody,
  },
};

/** Source: https://dev.bandwidth.com/docs/brtc/webhooks. The time is a number, and `tags` is the endpoint's `tag`. */
function endpointBody(name: string, event: SignallingEvent, timestampMs: number, accountId: string): string {
  const { participantId: endpointId, deviceId, tag = '' } = event;
  return JSON.stringify({ accountId, endpointId, event: name, deviceId, timestamp: timestampMs, tags: tag });
}
