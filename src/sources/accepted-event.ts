// An event on its way into the store, and its text in the spool.
import type { RecordedEvent } from '../domain/lifecycle-event.js';
import type { ReceivedCallback } from './refused-callbacks.js';

export interface AcceptedEvent {
  readonly event: RecordedEvent;
  /** Of a minted URL, which must belong to the participant. */
  readonly grant?: ReceivedCallback['grant'];
}

interface Spooled extends AcceptedEvent {
  /** What the quarantine needs; only with a grant, since no other event can be refused when it leaves the spool. */
  readonly callback?: { readonly body: string; readonly contentType: string; readonly requestId: string };
}

/** An event without a tag gets that of the minted URL. */
export function acceptedEvent(event: RecordedEvent, { grant }: ReceivedCallback): AcceptedEvent {
  if (!grant) return { event };
  const { tag = grant.tag } = event;
  return { event: tag === undefined ? event : { ...event, tag }, grant };
}

export function spooledText(accepted: AcceptedEvent, received?: ReceivedCallback): string {
  if (!accepted.grant || !received) return JSON.stringify(accepted);
  const { body, contentType, requestId } = received;
  // It was parsed as JSON, so it is valid UTF-8.
  const spooled: Spooled = { ...accepted, callback: { body: body.toString(), contentType, requestId } };
  return JSON.stringify(spooled);
}

export function parseSpooled(text: string): {
  readonly accepted: AcceptedEvent;
  readonly received: ReceivedCallback | undefined;
} {
  const { callback, ...accepted } = JSON.parse(text) as Spooled;
  const { event, grant } = accepted;
  const { subject, receivedAtMs } = event;
  const received = callback && { ...callback, source: subject.source, receivedAtMs, grant };
  return { accepted, received: received && { ...received, body: Buffer.from(received.body) } };
}
