// Changes that wait to be delivered, as a test names them.
import type { Change } from '../../src/domain/change.js';
import type { ParticipantId, SourceName } from '../../src/domain/subject.js';
import type { FeedPosition } from '../../src/storage/feed-position.js';
import type { ChangeRef, WaitingChange } from '../../src/webhooks/delivery/message.js';

export function positionAt(n: number): FeedPosition {
  return [{ epoch: 'abcdefabcdef', entry: String(n) }];
}

/** The change in entry `n`. */
export function waiting(participantId: string, n: number): Omit<WaitingChange, 'before'> {
  const change: Change = {
    type: 'participant.connected',
    subject: { source: 'bandwidth' as SourceName, scope: '', participantId: participantId as ParticipantId },
    state: 'connected',
    previousState: null,
    sinceMs: n,
    occurredAtMs: n,
    receivedAtMs: n,
    version: n,
  };
  return { ref: `0.${n}.0` as ChangeRef, change, position: positionAt(n) };
}
