import { system } from '../api/session.js';
import { OccupancyPanel } from '../chart/occupancy-panel.js';
import { CodeLine, Empty, Loading } from '../components/basics.js';
import { ChangeList } from '../components/change-list.js';
import { PresenceTable } from '../components/presence-table.js';
import { connection } from '../presence/connection.js';
import { activity, shown } from '../presence/live.js';
import { numberText } from '../text.js';

const NEWEST = 30;

export function LiveView() {
  const { list, revision } = shown.value;
  const { kind } = connection.value;
  return (
    <>
      <h1 class="hidden">Who is on the call</h1>
      <div class="summary">
        <Tiles />
        <OccupancyPanel />
      </div>
      <div class="columns">
        <div class="column-main">
          {list.size > 0 ? (
            <PresenceTable list={list} revision={revision} isStale={kind === 'interrupted'} />
          ) : kind === 'loading' ? (
            <Loading what="who is present" />
          ) : (
            <Nobody />
          )}
        </div>
        <aside class="column-side" aria-label="What just happened">
          <h2>Just now</h2>
          <Newest />
        </aside>
      </div>
    </>
  );
}

function Tiles() {
  const { connected, reconnecting, devices, tags } = shown.value.list.totals;
  const isStale = connection.value.kind !== 'live';
  const tiles = [
    ['Connected', connected, 'connected'],
    ['Reconnecting', reconnecting, reconnecting > 0 ? 'reconnecting' : ''],
    ['Devices', devices, ''],
    ['Tags', tags, ''],
  ] as const;
  return (
    <dl class={isStale ? 'tiles stale' : 'tiles'}>
      {tiles.map(([name, value, state]) => (
        <div key={name} class={`tile tile-${state}`}>
          <dt>{name}</dt>
          <dd>{connection.value.kind === 'loading' ? '–' : numberText(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Newest() {
  const changes = activity.changes.value.filter(({ deviceId }) => deviceId === undefined).slice(0, NEWEST);
  if (changes.length === 0) return <p class="muted">Changes appear here as they come.</p>;
  return <ChangeList changes={changes} />;
}

/** What to do, for someone who has just started the service. */
function Nobody() {
  const { sources = [], publicUrl = location.origin } = system.value ?? {};
  const hasCallback = sources.some(({ lastCallbackAt }) => lastCallbackAt !== undefined);
  return (
    <Empty title={hasCallback ? 'Nobody is on the call' : 'No callback yet'}>
      {hasCallback ? (
        <p>Participants appear here as soon as their callbacks arrive.</p>
      ) : (
        <>
          <p>Give your provider this URL as its callback URL. With callback secrets, append one as a last segment:</p>
          {sources.map(({ name }) => (
            <CodeLine key={name} text={`${publicUrl}/callbacks/${name}`} />
          ))}
          <p>Or, in a clone of the repository, stop this service and watch a simulated meeting:</p>
          <CodeLine text="npm run demo" />
        </>
      )}
    </Empty>
  );
}
