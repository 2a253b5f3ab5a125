// An event on its way into the store, and its text in the spool.
import type { LabelEvent, RecordedEvent } from '../domain/lifecycle-event.js';
import type { SourceName } from '../domain/subject.js';
import { type EndWithoutParticipant, targetOf } from '../storage/encoding/end-codec.js';
import { keyOf, type SubjectKey } from '../storage/encoding/subject-key.js';
import type { ReceivedCallback } from './refused-callbacks.js';

type AnyEvent = Exclude<RecordedEvent, LabelEvent> | EndWithoutParticipant;

export interface AcceptedEvent {
  readonly event: AnyEvent;
  /** Of a minted URL, which must belong to the participant. */
  readonly grant?: ReceivedCallback['grant'];
}

interface Spooled extends AcceptedEvent {
  /** What the quarantine needs; only with a grant, since no other event can be refused when it leaves the spool. */
  readonly callback?: { readonly body: string; readonly contentType: string; readonly requestId: string };
}

/** An event gets what the minted URL says of its participant; a tag only if it has none. */
export function acceptedEvent(event: AnyEvent, { grant }: ReceivedCallback): AcceptedEvent {
  if (!grant) return { event };
  if (event.subject === undefined) return { event, grant };
  const { tag = grant.tag } = event;
  const { participantRef, labels: mintedLabels } = grant;
  const claims = {
    ...(tag !== undefined && { tag }),
    ...(participantRef !== undefined && { participantRef }),
    ...(mintedLabels && { mintedLabels }),
  };
  return { event: { ...event, ...claims }, grant };
}

/** What the spool keeps in order. */
export function spoolKeyOf({ event }: AcceptedEvent): SubjectKey {
  return event.subject === undefined ? (targetOf(event) as SubjectKey) : keyOf(event.subject);
}

function sourceOf(event: AnyEvent): SourceName {
  return event.subject === undefined ? event.source : event.subject.source;
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
  const { receivedAtMs } = event;
  const received = callback && { ...callback, source: sourceOf(event), receivedAtMs, grant };
  return { accepted, received: received && { ...received, body: Buffer.from(received.body) } };
}
