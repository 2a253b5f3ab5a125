// What an operator may look at, and do, about one endpoint.
import { useState } from 'preact/hooks';
import { request } from '../api/client.js';
import type {
  AttemptResponse,
  DeadLetterResponse,
  DeliveryResult,
  EndpointResponse,
  Page,
  SendResponse,
} from '../api/types.js';
import { ActionButton, type Outcome, OutcomeNote, useAction } from '../components/action.js';
import { Fault, Foreign, Moment } from '../components/basics.js';
import { useLoaded } from '../components/loaded.js';
import { serviceNow } from '../presence/connection.js';
import { durationText, numberText } from '../text.js';

const ATTEMPTS = 20;
const RENEW_MS = 5_000;
const REPLAYS = [
  ['the last 10 minutes', 600_000],
  ['the last hour', 3_600_000],
  ['the last 6 hours', 21_600_000],
] as const;

export function EndpointDetails({ endpoint, changed }: { endpoint: EndpointResponse; changed: () => void }) {
  const path = `/v1/webhooks/endpoints/${encodeURIComponent(endpoint.id)}`;
  const action = useAction();
  const attempts = useLoaded(
    (signal) => request<Page<AttemptResponse>>(`${path}/deliveries?limit=${ATTEMPTS}`, { signal }),
    [path],
    RENEW_MS,
  );
  const letters = useLoaded(
    (signal) => request<Page<DeadLetterResponse>>(`${path}/dead-letters?limit=${ATTEMPTS}`, { signal }),
    [path],
    RENEW_MS,
  );
  return (
    <div class="details">
      <Actions endpoint={endpoint} path={path} action={action} changed={changed} />
      <OutcomeNote outcome={action.outcome} />
      {(attempts.fault ?? letters.fault) !== undefined && <Fault message={String(attempts.fault ?? letters.fault)} />}
      <h3>Dead letters</h3>
      <DeadLetters
        path={path}
        items={letters.value?.items ?? []}
        hasMore={letters.value?.nextCursor !== undefined}
        action={action}
        reload={letters.reload}
      />
      <h3>Newest attempts</h3>
      <Attempts items={attempts.value?.items ?? []} />
    </div>
  );
}

interface ActionsProps {
  readonly endpoint: EndpointResponse;
  readonly path: string;
  readonly action: ReturnType<typeof useAction>;
  readonly changed: () => void;
}

function Actions({ endpoint, path, action, changed }: ActionsProps) {
  const [replayMs, setReplayMs] = useState<number>(REPLAYS[0][1]);
  const test = async () => sent(await request<SendResponse>(`${path}/test`, { method: 'POST' }));
  const replay = async () => {
    const from = new Date(serviceNow() - replayMs).toISOString();
    await request(`${path}/replay`, { method: 'POST', body: { from } });
    return { text: 'What came after that time is delivered again.', isGood: true };
  };
  const pause = async () => {
    await request(path, { method: 'PATCH', body: { enabled: !endpoint.enabled } });
    changed();
    const paused = 'Paused. Missed changes are sent when it is enabled again, if the change feed still has them.';
    return { text: endpoint.enabled ? paused : 'Enabled.', isGood: true };
  };
  return (
    <div class="toolbar">
      <ActionButton action={action} work={test}>
        Send a test
      </ActionButton>
      <span class="joined">
        <label>
          <span class="hidden">Replay</span>
          <select value={replayMs} onChange={(event) => setReplayMs(Number(event.currentTarget.value))}>
            {REPLAYS.map(([name, ms]) => (
              <option key={ms} value={ms}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <ActionButton action={action} work={replay} question="Send these changes to the endpoint again?">
          Replay
        </ActionButton>
      </span>
      {!endpoint.declared && (
        <ActionButton action={action} work={pause}>
          {endpoint.enabled ? 'Pause' : 'Enable'}
        </ActionButton>
      )}
    </div>
  );
}

interface DeadLettersProps {
  readonly path: string;
  readonly items: readonly DeadLetterResponse[];
  readonly hasMore: boolean;
  readonly action: ReturnType<typeof useAction>;
  readonly reload: () => void;
}

function DeadLetters({ path, items, hasMore, action, reload }: DeadLettersProps) {
  if (items.length === 0) return <p class="muted">None.</p>;
  const retry = async ({ id }: DeadLetterResponse) => {
    const result = await request<SendResponse>(`${path}/dead-letters/${encodeURIComponent(id)}/retry`, {
      method: 'POST',
    });
    reload();
    return sent(result);
  };
  return (
    <ul class="records">
      {items.map((letter) => (
        <li key={letter.id} class="record">
          <Moment time={letter.deadLetteredAt} />
          <span class="record-text">
            <span class="mono">{letter.type}</span> refused {numberText(letter.failures)} times:{' '}
            <Result result={letter.last} />
          </span>
          <ActionButton action={action} work={() => retry(letter)}>
            Send again
          </ActionButton>
        </li>
      ))}
      {hasMore && <li class="muted">There are older ones.</li>}
    </ul>
  );
}

function Attempts({ items }: { items: readonly AttemptResponse[] }) {
  if (items.length === 0) return <p class="muted">None yet.</p>;
  return (
    <ul class="records">
      {items.map((attempt) => (
        <li key={attempt.id} class="record">
          <Moment time={attempt.at} />
          <span class="record-text">
            <span class="mono">{attempt.type}</span> <Result result={attempt} />
          </span>
          <span class="muted">{durationText(attempt.durationMs)}</span>
        </li>
      ))}
    </ul>
  );
}

function Result({ result: { status, answer = '', error } }: { result: DeliveryResult }) {
  const isGood = status !== undefined && status >= 200 && status < 300;
  return (
    <>
      <strong class={isGood ? 'good' : 'bad'}>{status ?? error ?? 'no answer'}</strong>{' '}
      {answer !== '' && <Foreign text={answer} />}
    </>
  );
}

function sent({ delivered, status, error, durationMs }: SendResponse): Outcome {
  const answer = status === undefined ? `no answer: ${error ?? 'unknown'}` : `answered with status ${status}`;
  return { text: `Sent: ${answer}, after ${durationText(durationMs)}.`, isGood: delivered };
}
