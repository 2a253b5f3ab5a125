import { signal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { Change } from '../api/types.js';
import { Empty, Heading } from '../components/basics.js';
import { ChangeList } from '../components/change-list.js';
import { connection } from '../presence/connection.js';
import { activity } from '../presence/live.js';
import { countText, numberText } from '../text.js';

const TYPES = [
  ['', 'All changes'],
  ['participant.', 'All of participants'],
  ['participant.connected', 'Participant connected'],
  ['participant.reconnecting', 'Participant reconnecting'],
  ['participant.gone', 'Participant gone'],
  ['participant.updated', 'Participant updated'],
  ['device.', 'All of devices'],
  ['device.connected', 'Device connected'],
  ['device.reconnecting', 'Device reconnecting'],
  ['device.gone', 'Device gone'],
] as const;
const MAX_SHOWN = 300;

const filter = signal({ type: 'participant.', tag: '', participant: '' });
const isPaused = signal(false);

export function ActivityView() {
  const frozen = useRef<{ changes: readonly Change[]; total: number } | undefined>(undefined);
  const current = { changes: activity.changes.value, total: activity.total.value };
  if (!isPaused.value) frozen.current = current;
  const { changes, total } = frozen.current ?? current;
  const found = changes.filter(matches);
  return (
    <>
      <Heading title="Activity">
        <button
          type="button"
          class={isPaused.value ? 'primary' : ''}
          aria-pressed={isPaused.value}
          onClick={() => {
            isPaused.value = !isPaused.value;
          }}
        >
          {isPaused.value ? `Resume (${numberText(current.total - total)} new)` : 'Pause'}
        </button>
      </Heading>
      <div class="toolbar">
        <label>
          <span class="hidden">Type</span>
          <select value={filter.value.type} onChange={(event) => change({ type: event.currentTarget.value })}>
            {TYPES.map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <FilterInput name="Tag" member="tag" />
        <FilterInput name="Participant" member="participant" />
      </div>
      {found.length > 0 ? (
        <section class={connection.value.kind === 'interrupted' ? 'panel stale' : 'panel'} aria-label="Changes">
          <ChangeList changes={found.slice(0, MAX_SHOWN)} />
          {found.length > MAX_SHOWN && (
            <p class="muted">
              The newest {MAX_SHOWN} of {numberText(found.length)} that match.
            </p>
          )}
        </section>
      ) : (
        <Empty title={changes.length === 0 ? 'Nothing has happened yet' : 'No change matches'}>
          <p>
            {changes.length === 0
              ? 'Changes since you opened this page appear here as they come. Earlier ones: see a participant, or the history.'
              : `${countText(changes.length, 'change')} since you opened this page; none matches the filter.`}
          </p>
        </Empty>
      )}
    </>
  );
}

function FilterInput({ name, member }: { name: string; member: 'tag' | 'participant' }) {
  return (
    <label class="search">
      <span class="hidden">{name}</span>
      <input
        type="search"
        placeholder={name}
        value={filter.value[member]}
        onInput={(event) => change({ [member]: event.currentTarget.value })}
      />
    </label>
  );
}

function change(members: Partial<typeof filter.value>): void {
  filter.value = { ...filter.value, ...members };
}

function matches({ type, tag = '', previousTag = '', participantId }: Change): boolean {
  const wanted = filter.value;
  const has = (text: string, part: string) => text.toLowerCase().includes(part.toLowerCase());
  return (
    type.startsWith(wanted.type) &&
    (wanted.tag === '' || has(tag, wanted.tag) || has(previousTag, wanted.tag)) &&
    (wanted.participant === '' || has(participantId, wanted.participant))
  );
}
