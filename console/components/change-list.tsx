import type { Change } from '../api/types.js';
import { participantPath } from '../router.js';
import { timeText } from '../text.js';
import { Foreign } from './basics.js';

const CAUSES: Readonly<Record<string, string>> = {
  left: 'left',
  lost: 'lost: did not return within the grace period',
  superseded: 'a newer device connected',
  reconciled: 'the provider no longer lists it',
  expired: 'expired: no end was ever received',
  ended: 'ended by an operator',
};

export function causeText(cause: string): string {
  return CAUSES[cause] ?? cause;
}

export function ChangeList({ changes }: { changes: readonly Change[] }) {
  return (
    <ol class="changes">
      {changes.map((change) => (
        <li key={`${change.position} ${change.deviceId ?? ''} ${change.type}`} class="change">
          <ChangeLine change={change} />
        </li>
      ))}
    </ol>
  );
}

function ChangeLine({ change }: { change: Change }) {
  const { receivedAt, state, tag, participantId, deviceId } = change;
  return (
    <>
      <time class="change-time" dateTime={receivedAt}>
        {timeText(receivedAt)}
      </time>
      <span class={`state state-${state}`} aria-hidden="true">
        <span class="dot" />
      </span>
      <span class="change-text">
        <a href={participantPath(change)} data-route>
          <Foreign text={participantId} mono />
        </a>{' '}
        <span class="change-what">
          {deviceId !== undefined && (
            <>
              device <Foreign text={deviceId} mono />{' '}
            </>
          )}
          {whatHappened(change)}
        </span>
      </span>
      {tag !== undefined && (
        <span class="chip">
          <Foreign text={tag} />
        </span>
      )}
    </>
  );
}

function whatHappened({ type, state, previousState, cause, previousTag }: Change): string {
  if (type.endsWith('.updated'))
    return previousTag === undefined ? 'was updated' : `has a new tag; it was “${previousTag}”`;
  if (state === 'gone') return `is gone${cause === undefined ? '' : ` (${causeText(cause)})`}`;
  if (state === 'reconnecting') return 'was lost, and may return';
  if (state === 'expected') return 'is expected';
  return previousState === 'reconnecting' ? 'is back' : 'connected';
}
