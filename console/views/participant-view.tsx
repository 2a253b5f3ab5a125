import { useEffect } from 'preact/hooks';
import { ApiError, request } from '../api/client.js';
import { system } from '../api/session.js';
import type { ConnectionResponse, ConnectionsPage, Explanation } from '../api/types.js';
import { Ago, CopyButton, Empty, Fact, Fault, Foreign, Loading, Moment, StateBadge } from '../components/basics.js';
import { causeText } from '../components/change-list.js';
import { useLoaded } from '../components/loaded.js';
import { DeviceSteps, RawJson } from '../participant/steps.js';
import { timelineOf } from '../participant/timeline.js';
import { TimelineChart } from '../participant/timeline-chart.js';
import { connection, now } from '../presence/connection.js';
import { newChanges } from '../presence/live.js';

const CONNECTIONS = 100;

interface ParticipantViewProps {
  readonly participantId: string;
  /** Source and scope. */
  readonly query: string;
}

interface Found {
  readonly explanation: Explanation;
  readonly connections: readonly ConnectionResponse[];
}

export function ParticipantView({ participantId, query }: ParticipantViewProps) {
  const path = `/v1/participants/${encodeURIComponent(participantId)}`;
  const search = query === '' ? '' : `?${query}`;
  const { value, fault, reload } = useLoaded<Found | null>(
    (signal) => load(path, query, signal).catch(unlessUnknown),
    [path, query, connection.value.kind === 'live'],
  );
  useReloadOnChange(participantId, reload);
  if (value === undefined)
    return fault === undefined ? <Loading what="the participant" /> : <Fault message={fault} retry={reload} />;
  if (value === null) return <Unknown participantId={participantId} />;
  const { explanation, connections } = value;
  const timeline = timelineOf(explanation, connections, now.value);
  return (
    <div class={connection.value.kind === 'interrupted' ? 'stale-page' : ''}>
      <Back />
      <Title explanation={explanation} />
      {fault !== undefined && <Fault message={fault} retry={reload} />}
      <Facts explanation={explanation} />
      {timeline.lanes.length > 0 && (
        <section class="panel" aria-label="Timeline">
          <TimelineChart timeline={timeline} />
        </section>
      )}
      <h2 class="section">Why</h2>
      <p class="why">{explanation.meaning}</p>
      {explanation.devices.map((device) => (
        <DeviceSteps key={device.result.deviceId} device={device} />
      ))}
      <RawJson value={explanation} path={`${path}/explain${search}`} />
    </div>
  );
}

function Back() {
  return (
    <a class="back" href="/" data-route>
      ← Who is on the call
    </a>
  );
}

function Unknown({ participantId }: { participantId: string }) {
  return (
    <>
      <Back />
      <Empty title="This participant is not known">
        <p>
          <Foreign text={participantId} mono />
        </p>
        <p>
          No event was received for this participant, or it has since been forgotten. A participant of another source or
          scope has another link.
        </p>
      </Empty>
    </>
  );
}

function Title({ explanation: { participant } }: { explanation: Explanation }) {
  return (
    <div class="heading">
      <h1 class="foreign-title">
        <bdi class="mono">{participant.participantId}</bdi>
      </h1>
      <div class="heading-end">
        <StateBadge state={participant.state} />
        <CopyButton text={participant.participantId} name="Copy id" />
        <CopyButton text={location.href} name="Copy link" />
      </div>
    </div>
  );
}

function Facts({ explanation: { participant, next } }: { explanation: Explanation }) {
  const {
    state,
    since,
    until,
    cause,
    tag,
    source,
    scope,
    participantRef,
    availability,
    labels = {},
    doubtful,
  } = participant;
  const isGone = state === 'gone';
  return (
    <dl class="facts">
      <Fact name={isGone ? 'Gone since' : 'Present for'}>
        {isGone ? <Moment time={since} /> : <Ago sinceMs={Date.parse(since)} />}
      </Fact>
      {cause !== undefined && <Fact name="Cause">{causeText(cause)}</Fact>}
      {until !== undefined && (
        <Fact name="Gone at">
          <Moment time={until} /> if nothing is received
        </Fact>
      )}
      <Fact name="Tag">{tag === undefined ? <span class="muted">none</span> : <Foreign text={tag} />}</Fact>
      <Fact name="Source">
        <Foreign text={scope === undefined ? source : `${source} / ${scope}`} />
      </Fact>
      {participantRef !== undefined && (
        <Fact name="Reference">
          <Foreign text={participantRef} />
        </Fact>
      )}
      {availability !== 'unknown' && <Fact name="Availability">{availability}</Fact>}
      {Object.entries(labels).map(([name, label]) => (
        <Fact key={name} name={name}>
          <Foreign text={label} />
        </Fact>
      ))}
      {doubtful && <Fact name="Doubtful">may be gone: its disconnect was taken for that of an older socket</Fact>}
      <Fact name="Changes next">
        <Moment time={next.at} /> <span class="muted">{next.meaning}</span>
      </Fact>
    </dl>
  );
}

async function load(path: string, query: string, signal: AbortSignal): Promise<Found> {
  const search = query === '' ? '' : `?${query}`;
  const [explanation, connections] = await Promise.all([
    request<Explanation>(`${path}/explain${search}`, { signal }),
    system.value?.history ? connectionsOf(path, query, signal) : [],
  ]);
  return { explanation, connections };
}

/** History may be unavailable, or behind: the explanation does not need it. */
async function connectionsOf(path: string, query: string, signal: AbortSignal): Promise<readonly ConnectionResponse[]> {
  const search = new URLSearchParams(query);
  search.set('limit', String(CONNECTIONS));
  const page = await request<ConnectionsPage>(`${path}/connections?${String(search)}`, { signal }).catch(
    () => undefined,
  );
  return page?.items ?? [];
}

function unlessUnknown(error: unknown): null {
  if (error instanceof ApiError && error.status === 404) return null;
  throw error;
}

function useReloadOnChange(participantId: string, reload: () => void): void {
  useEffect(
    () =>
      newChanges.subscribe((changes) => {
        if (changes.some((change) => change.participantId === participantId)) reload();
      }),
    [participantId, reload],
  );
}
