import { newTimedId } from '../../src/storage/timed-id.js';
import type { DeliveryRecord } from '../../src/storage/webhook-ports.js';

export const DELIVERY_LIMITS = {
  attempts: { maxCount: 3, oldestMs: 0 },
  'dead-letters': { maxCount: 2, oldestMs: 0 },
};

export function deliveryRecord(text: string, timeMs = 1_000): DeliveryRecord {
  return { id: newTimedId(timeMs), text };
}

/** With one record in each log. */
export function deliveryUpdate(endpointId: string, state = 'state') {
  const attempts = [deliveryRecord('attempt')] as const;
  return { endpointId, state, records: { attempts, 'dead-letters': [deliveryRecord('dead letter')] } };
}
