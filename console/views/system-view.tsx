import type { ComponentChildren } from 'preact';
import { request } from '../api/client.js';
import { may, refreshSystem, system } from '../api/session.js';
import type { Incident, Page, ReconciliationItem, SystemResponse } from '../api/types.js';
import { Ago, Fault, Foreign, Heading, Moment } from '../components/basics.js';
import { useLoaded } from '../components/loaded.js';
import { connection } from '../presence/connection.js';
import { components } from '../presence/health.js';
import { bytesText, countText, durationText, numberText } from '../text.js';

const RENEW_MS = 5_000;
const STORES = { sqlite: 'SQLite', redis: 'Redis' } as const;

export function SystemView() {
  const { fault, reload } = useLoaded(refreshSystem, [connection.value.kind === 'live'], RENEW_MS);
  if (!system.value) return null;
  const current = system.value;
  return (
    <>
      <Heading title="System" />
      {fault !== undefined && <Fault message={fault} retry={reload} />}
      <div class="cards">
        <Card title="Components">
          <Components />
        </Card>
        <Card title="Sources">
          <Sources system={current} />
        </Card>
        <Card title="Service">
          <Service system={current} />
        </Card>
        <Card title="Change feed">
          <Feed system={current} />
        </Card>
        {may('admin') && (
          <Card title="Reconciliation">
            <Reconciliation />
          </Card>
        )}
        {may('admin') && (
          <Card title="Data loss">
            <Incidents />
          </Card>
        )}
      </div>
    </>
  );
}

function Card({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="panel" aria-label={title}>
      <h2 class="card-title">{title}</h2>
      {children}
    </section>
  );
}

function Line({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="line">
      <span class="line-name">
        <Foreign text={name} />
      </span>
      <span class="line-value">{children}</span>
    </div>
  );
}

const COMPONENT_NAMES: Readonly<Record<string, string>> = {
  store: 'Store',
  clock: 'Clock',
  incidents: 'Data loss',
  quarantine: 'Quarantine',
  deadlines: 'Deadlines',
  history: 'History',
  spool: 'Spool',
  forward: 'Forwarding',
};

function Components() {
  if (!components.value) return <p class="muted">Not known at the moment.</p>;
  return (
    <>
      {Object.entries(components.value).map(([name, { status, message, ...facts }]) => (
        <Line key={name} name={COMPONENT_NAMES[name] ?? name}>
          <span class={status === 'up' ? 'pill pill-live' : 'pill pill-bad'}>
            <span class="dot" aria-hidden="true" />
            {status === 'up' ? 'Up' : 'Down'}
          </span>
          <span class="muted"> {message ?? factsText(facts)}</span>
        </Line>
      ))}
    </>
  );
}

function factsText(facts: Readonly<Record<string, string | number | undefined>>): string {
  const { entries, open, events, oldestAgeMs, aheadMs } = facts;
  return [
    ...(typeof entries === 'number' ? [countText(entries, 'callback')] : []),
    ...(typeof open === 'number' ? [`${numberText(open)} open`] : []),
    ...(typeof events === 'number' ? [countText(events, 'event')] : []),
    ...(typeof oldestAgeMs === 'number' && oldestAgeMs > 0 ? [`the oldest ${durationText(oldestAgeMs)} old`] : []),
    ...(typeof aheadMs === 'number' ? [`${numberText(aheadMs)} ms ahead of Redis`] : []),
  ].join(', ');
}

function Sources({ system: { sources } }: { system: SystemResponse }) {
  return (
    <>
      {sources.map(({ name, dialect, lastCallbackAt }) => (
        <Line key={name} name={dialect === name ? name : `${name} (${dialect})`}>
          {lastCallbackAt === undefined ? (
            <span class="muted">no callback since this process started</span>
          ) : (
            <>
              last callback <Ago sinceMs={Date.parse(lastCallbackAt)} /> ago
            </>
          )}
        </Line>
      ))}
    </>
  );
}

function Service({ system: { version, store, history, publicUrl, access } }: { system: SystemResponse }) {
  return (
    <>
      <Line name="Version">{version}</Line>
      <Line name="Store">{STORES[store]}</Line>
      <Line name="History">{history ? 'on' : 'off'}</Line>
      <Line name="Public URL">
        {publicUrl === undefined ? <span class="muted">not set</span> : <Foreign text={publicUrl} mono />}
      </Line>
      <Line name="Permissions">{access.scopes.join(', ')}</Line>
      <Line name="API reference">
        <a href="/docs">/docs</a>
      </Line>
    </>
  );
}

function Feed({ system: { feed } }: { system: SystemResponse }) {
  return (
    <>
      <Line name="Size">
        {bytesText(feed.bytes)} of {bytesText(feed.maxBytes)}
      </Line>
      <Line name="Kept for">{durationText(feed.retentionMs)}</Line>
      <Line name="Newest change">{feed.newestAt === undefined ? 'none yet' : <Moment time={feed.newestAt} />}</Line>
      <Line name="Oldest change">{feed.oldestAt === undefined ? 'none yet' : <Moment time={feed.oldestAt} />}</Line>
    </>
  );
}

const RECONCILIATION_NAMES = {
  on: 'on',
  off: 'off (RECONCILE_MS is 0)',
  'not-configured': 'not configured',
  'not-supported': 'the provider cannot be asked',
} as const;

function Reconciliation() {
  const { value, fault } = useLoaded(
    (signal) => request<Page<ReconciliationItem>>('/v1/reconciliation', { signal }),
    [],
    RENEW_MS,
  );
  if (fault !== undefined) return <Fault message={fault} />;
  return (
    <>
      {value?.items.map(({ source, status, missingSettings = [], lastCompletePollAt, failures = 0, corrections }) => (
        <Line key={source} name={source}>
          {RECONCILIATION_NAMES[status]}
          {missingSettings.length > 0 && <span class="muted wrap">: needs {missingSettings.join(', ')}</span>}
          {lastCompletePollAt !== undefined && (
            <>
              , asked <Moment time={lastCompletePollAt} />
            </>
          )}
          {failures > 0 && <span class="bad">, {countText(failures, 'failure')} since</span>}
          {corrections && <span class="muted">, corrected {numberText(corrections.added + corrections.removed)}</span>}
        </Line>
      ))}
    </>
  );
}

function Incidents() {
  const { value, fault } = useLoaded((signal) => request<Page<Incident>>('/v1/incidents', { signal }), [], RENEW_MS);
  if (fault !== undefined) return <Fault message={fault} />;
  if (value?.items.length === 0) return <p class="muted">No unacknowledged incidents.</p>;
  return (
    <>
      {value?.items.map(({ id, kind, detectedAt }) => (
        <Line
          key={id}
          name={kind === 'store-emptied' ? 'The store lost all data' : 'The store came back with older data'}
        >
          <Moment time={detectedAt} />
        </Line>
      ))}
    </>
  );
}
