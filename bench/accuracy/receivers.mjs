// Receivers in virtual time. Each gets the deliveries of one participant and returns the changes that it announces. Participants
// are independent of each other, so each is processed separately.
import { advance } from '../../dist/domain/participant.js';
import { NaivePresence } from './naive-presence.mjs';

const KINDS = { onConnect: 'connected', onDisconnect: 'disconnected', onLeave: 'left' };

/**
 * Rollcall's domain code. Its record is advanced by whatever source has the earliest event: webhooks, its own deadlines and the
 * `others`, such as answers of the provider's API. `provider`: see providers.mjs.
 */
export function rollcallAnnouncements({ participantId, deliveries }, policy, untilMs, { provider, others = [] }) {
  const sources = [webhooks(deliveries, provider), deadlines(), ...others];
  const announcements = [];
  let record;
  let nowMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    const atMs = sources.map((source) => source.nextMs(record));
    const dueMs = Math.min(...atMs);
    nowMs = Math.max(nowMs, dueMs);
    if (nowMs > untilMs) return announcements;
    const wasPresent = isPresent(record);
    const events = sources[atMs.indexOf(dueMs)].take(nowMs, record);
    record = advance(record, events, nowMs, policy).record;
    if (record?.deadlineMs <= nowMs) throw new Error(`the deadline of ${participantId} does not move on`);
    if (isPresent(record) === wasPresent) continue;
    announcements.push({ participantId, what: wasPresent ? 'gone' : 'came', atMs: nowMs });
  }
}

function isPresent(record) {
  return record !== undefined && record.announced.state !== 'gone';
}

function webhooks(deliveries, { deviceIdOf }) {
  let next = 0;
  return {
    nextMs: () => (next < deliveries.length ? receivedAtMs(deliveries[next]) : Number.POSITIVE_INFINITY),
    take: (nowMs) => {
      const delivery = deliveries[next];
      const { event, timestamp, deviceId: device, participantId, tag } = JSON.parse(delivery.body);
      next += 1;
      const deviceId = deviceIdOf(device, delivery.event.socket);
      const subject = { source: 'bandwidth', scope: '', participantId };
      const times = { occurredAtMs: Number(timestamp), receivedAtMs: nowMs, precisionMs: 1 };
      return [{ subject, deviceId, kind: KINDS[event], tag, ...times }];
    },
  };
}

/** Changes that only elapsed time causes. */
function deadlines() {
  return { nextMs: (record) => record?.deadlineMs ?? Number.POSITIVE_INFINITY, take: () => [] };
}

export function naiveAnnouncements({ participantId, deliveries }) {
  const presence = new NaivePresence();
  return deliveries.flatMap((delivery) => {
    const what = presence.receive(JSON.parse(delivery.body));
    return what ? [{ participantId, what, atMs: receivedAtMs(delivery) }] : [];
  });
}

/** Clocks have whole milliseconds; nothing arrives before it is sent. */
function receivedAtMs({ sendAtMs }) {
  return Math.ceil(sendAtMs);
}
