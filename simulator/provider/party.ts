// Whoever devices connect as: a participant of the WebRTC API, or an endpoint of BRTC.
import { randomUUID } from 'node:crypto';
import type { Product } from '../webhooks/webhook-format.js';
import type { Endpoint } from './endpoints.js';
import type { Participant } from './participants.js';

export type Party = Participant | Endpoint;

export function productOf(party: Party): Product {
  return 'direction' in party ? 'brtc' : 'bandwidth';
}

/** In the provider's format. */
export function newDeviceId(party: Party): string {
  return productOf(party) === 'brtc' ? `d-${randomUUID()}` : randomUUID();
}

/** The URLs of its webhooks: each is sent to the first one, and if that fails to the next. */
export function callbackUrlsOf(party: Party): readonly string[] {
  const urls = 'direction' in party ? [party.eventCallbackUrl, party.eventFallbackUrl] : [party.callbackUrl];
  return urls.filter((url) => typeof url === 'string' && url !== '') as string[];
}
