// An operator, or a backend of yours, can give a participant labels, also before any event of it is received: then it is expected.
import { type Labels, NO_LABELS } from './labels.js';
import type { LabelEvent } from './lifecycle-event.js';
import type { ParticipantRecord } from './participant.js';
import type { ParticipantView } from './presence-view.js';
import type { Rule } from './rules.js';
import type { Subject } from './subject.js';

/** undefined: the participant is not known, and there is nothing to take back. Later than the set that it replaces. */
export function operatorLabels(
  subject: Subject,
  record: ParticipantRecord | undefined,
  labels: Labels,
  clockMs: number,
): LabelEvent | undefined {
  if (!record && isEmpty(labels)) return undefined;
  const nowMs = Math.max(clockMs, record?.settledAtMs ?? clockMs);
  const known = record?.labels?.operator;
  const occurredAtMs = Math.max(nowMs, (known?.occurredAtMs ?? Number.NEGATIVE_INFINITY) + 1);
  const sinceMs = known && !isEmpty(known.labels) ? known.sinceMs : occurredAtMs;
  return { subject, kind: 'set-labels', labels, sinceMs, occurredAtMs, receivedAtMs: nowMs, precisionMs: 1 };
}

/** Takes back that a participant is expected. */
export function withdrawal(record: ParticipantRecord, clockMs: number): LabelEvent | undefined {
  return operatorLabels(record.subject, record, NO_LABELS, clockMs);
}

/** Of a participant of whom no event of a device or its end was received. `untilMs`: when it is forgotten. */
export function viewOfExpected(
  { labels, sinceMs, occurredAtMs }: Pick<LabelEvent, 'labels' | 'sinceMs' | 'occurredAtMs'>,
  { untilMs, nowMs }: { readonly untilMs: number; readonly nowMs: number },
  observe?: (rule: Rule) => void,
): ParticipantView {
  const none = { untilMs: undefined, isDoubtful: false, devices: [] };
  if (isEmpty(labels)) {
    observe?.('announcement-withdrawn');
    return { state: 'gone', sinceMs: occurredAtMs, cause: 'ended', ...none };
  }
  if (nowMs >= untilMs) return { state: 'gone', sinceMs: untilMs, cause: 'expired', ...none };
  observe?.('announced');
  return { state: 'expected', sinceMs, cause: undefined, ...none };
}

function isEmpty(labels: Labels): boolean {
  return Object.keys(labels).length === 0;
}
