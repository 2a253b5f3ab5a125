// Who is or was there, by tag: the live view and time travel show the same table.
import { signal, useComputed, useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { Participant } from '../presence/participant.js';
import type { PresenceList } from '../presence/presence-list.js';
import { type GroupRow, ORDERS, type Order, type Row, RowArranger } from '../presence/rows.js';
import { participantPath } from '../router.js';
import { countText, durationText, numberText } from '../text.js';
import { Ago, Empty, Foreign, StateBadge } from './basics.js';
import { VirtualRows } from './virtual-rows.js';

const ORDER_NAMES: Readonly<Record<Order, string>> = { longest: 'Longest first', newest: 'Newest first', id: 'By id' };

const query = signal('');
const order = signal<Order>('longest');

interface PresenceTableProps {
  readonly list: PresenceList;
  /** Another one whenever the list has changed in place: it is what makes this component render again. */
  readonly revision?: number;
  /** Time travel: durations are as of then. undefined: they are counted on. */
  readonly atMs?: number;
  readonly isStale?: boolean;
}

export function PresenceTable({ list, atMs, isStale = false }: PresenceTableProps) {
  const collapsed = useSignal<ReadonlySet<string>>(new Set());
  const arranger = useRef(new RowArranger());
  const rows = arranger.current.rowsOf(list, {
    query: query.value,
    order: order.value,
    collapsed: query.value === '' ? collapsed.value : NONE,
  });
  const isAnyOpen = useComputed(() => [...list.tags].some((tag) => !collapsed.value.has(tag)));
  const toggle = (tag: string) => {
    const next = new Set(collapsed.value);
    if (!next.delete(tag)) next.add(tag);
    collapsed.value = next;
  };
  return (
    <section class={isStale ? 'presence stale' : 'presence'} aria-label="Participants">
      <div class="toolbar">
        <label class="search">
          <span class="hidden">Search tags and ids</span>
          <input
            type="search"
            placeholder="Search tags and ids"
            value={query.value}
            onInput={(event) => {
              query.value = event.currentTarget.value;
            }}
          />
        </label>
        <label>
          <span class="hidden">Order</span>
          <select
            value={order.value}
            onChange={(event) => {
              order.value = event.currentTarget.value as Order;
            }}
          >
            {ORDERS.map((one) => (
              <option key={one} value={one}>
                {ORDER_NAMES[one]}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          onClick={() => {
            collapsed.value = isAnyOpen.peek() ? new Set(list.tags) : NONE;
          }}
        >
          {isAnyOpen.value ? 'Collapse all' : 'Expand all'}
        </button>
      </div>
      {rows.length === 0 ? (
        <Empty title="Nobody matches">
          <p>No tag, id or reference contains this text.</p>
        </Empty>
      ) : (
        <div role="table" class="table" aria-label="Participants by tag" aria-rowcount={rows.length}>
          <HeadRow isPast={atMs !== undefined} />
          <VirtualRows
            rows={rows}
            keyOf={keyOfRow}
            render={(row) =>
              row.kind === 'group' ? (
                <Group row={row} toggle={toggle} />
              ) : (
                <ParticipantCells participant={row.participant} atMs={atMs} />
              )
            }
          />
        </div>
      )}
    </section>
  );
}

const NONE: ReadonlySet<string> = new Set();

function keyOfRow(row: Row): string {
  return row.kind === 'group' ? `tag ${row.tag}` : row.participant.key;
}

const COLUMNS = [
  ['state', 'State'],
  ['id', 'Participant'],
  ['devices', 'Devices'],
  ['interruptions', 'Interruptions'],
  ['source', 'Source'],
  ['since', 'For'],
] as const;

/** `isPast`: interruptions are not known of the past. */
function HeadRow({ isPast }: { isPast: boolean }) {
  return (
    <div role="rowgroup" class="head">
      <div role="row" class="row">
        {COLUMNS.map(([column, name]) => (
          <span key={column} role="columnheader" class={`cell-${column}`}>
            {isPast && column === 'interruptions' ? '' : name}
          </span>
        ))}
      </div>
    </div>
  );
}

function Group({ row, toggle }: { row: GroupRow; toggle: (tag: string) => void }) {
  const { tag, connected, reconnecting, isCollapsed } = row;
  return (
    <div role="cell" class="group" aria-colspan={6}>
      <button type="button" aria-expanded={!isCollapsed} onClick={() => toggle(tag)}>
        <span class="chevron" aria-hidden="true" />
        {tag === '' ? <span class="no-tag">No tag</span> : <Foreign text={tag} />}
        <span class="group-count">{numberText(connected + reconnecting)}</span>
        {reconnecting > 0 && <span class="group-reconnecting">{numberText(reconnecting)} reconnecting</span>}
      </button>
    </div>
  );
}

function ParticipantCells({ participant, atMs }: { participant: Participant; atMs: number | undefined }) {
  const { participantId, participantRef, state, devices, source, scope, sinceMs, isDoubtful, availability } =
    participant;
  const interruptions = devices.reduce((sum, device) => sum + device.interruptions, 0);
  return (
    <>
      <span role="cell" class="cell-state">
        <StateBadge state={state} />
      </span>
      <span role="cell" class="cell-id">
        <a href={participantPath(participant)} data-route>
          <Foreign text={participantId} mono />
        </a>
        {participantRef !== undefined && (
          <span class="reference">
            <Foreign text={participantRef} />
          </span>
        )}
        {isDoubtful && (
          <span class="note" title="Shown as connected, but may be gone">
            doubtful
          </span>
        )}
        {availability !== 'unknown' && <span class={`note note-${availability}`}>{availability}</span>}
      </span>
      <span role="cell" class="cell-devices">
        {devices.length}
        <span class="unit"> {devices.length === 1 ? 'device' : 'devices'}</span>
      </span>
      <span role="cell" class={interruptions > 0 ? 'cell-interruptions some' : 'cell-interruptions'}>
        {atMs === undefined &&
          (interruptions > 0 ? <Interruptions count={interruptions} /> : <span class="wide">0</span>)}
      </span>
      <span role="cell" class="cell-source">
        <Foreign text={scope === undefined ? source : `${source} / ${scope}`} />
      </span>
      <span role="cell" class="cell-since">
        {atMs === undefined ? <Ago sinceMs={sinceMs} /> : durationText(Math.max(atMs - sinceMs, 0))}
      </span>
    </>
  );
}

function Interruptions({ count }: { count: number }) {
  return (
    <>
      <span class="wide">{numberText(count)}</span>
      <span class="unit">{countText(count, 'interruption')}</span>
    </>
  );
}
