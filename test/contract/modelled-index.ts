// Compares the index of a store with the reference model: a query must find the same as a scan of all participants.
import { expect } from '@jest/globals';
import { KNOWN_AVAILABILITIES } from '../../src/domain/availability.js';
import { PARTICIPANT_STATES } from '../../src/domain/presence-view.js';
import type { SourceName, Subject } from '../../src/domain/subject.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import { labelGroup } from '../../src/storage/label-index.js';
import type { Group, Occupancy, PresenceIndex, StoredRecord } from '../../src/storage/ports.js';
import type { ModelledParticipant } from '../model/modelled-participant.js';
import { tagged } from './index-entry.js';

type Known = NonNullable<ModelledParticipant['known']>;

/** A participant known to the model, and its stored record. */
export interface Entry extends Pick<Known, 'view' | 'tag' | 'labels'> {
  readonly key: SubjectKey;
  readonly subject: Subject;
  readonly record: StoredRecord | null;
}

export const TAGS = ['red', 'blue'];
const SOURCES = [undefined, 'bandwidth', 'livekit', 'nobody'] as (SourceName | undefined)[];
export const INDEXED = ['call', 'user'];
const GROUPS: (Group<'tag' | 'scope' | 'label'> | undefined)[] = [
  undefined,
  ...TAGS.map(tagged),
  { kind: 'scope', name: 'r1' },
  { kind: 'scope', name: 'r2' },
  ...INDEXED.map((name) => labelGroup(name, '1')),
];
const ID: Group<'id'> = { kind: 'id', name: 'p1' };

export async function expectSameIndex(index: PresenceIndex, entries: readonly Entry[]): Promise<void> {
  const ofSources = SOURCES.flatMap((source) => [
    ...[...GROUPS, ID].map((group) => expectSamePages(index, entries, source, group)),
    ...GROUPS.map((group) => expectSameOccupancy(index, entries, source, group)),
    expectSameTags(index, entries, source),
  ]);
  const sources = entries.map(({ subject }) => subject.source);
  expect(await index.sources()).toEqual(expect.arrayContaining([...new Set(sources)]));
  await Promise.all(ofSources);
}

async function expectSamePages(index: PresenceIndex, entries: readonly Entry[], source?: SourceName, group?: Group) {
  for (const state of PARTICIPANT_STATES) {
    const expected = among(entries, source, group)
      .filter(({ view }) => view.state === state)
      .map(({ key, view: { sinceMs }, record }) => ({ key, sinceMs, record }))
      .sort((a, b) => a.sinceMs - b.sinceMs || (a.key < b.key ? -1 : 1));
    expect((await index.page({ states: [state], source, group }, null, 100)).items).toEqual(expected);
  }
  for (const availability of KNOWN_AVAILABILITIES) {
    const expected = among(entries, source, group)
      .map(({ key, view, record }) => ({ key, record, known: availabilityOf(view) }))
      .filter(({ known }) => known?.value === availability)
      .map(({ key, record, known }) => ({ key, sinceMs: known?.sinceMs ?? 0, record }))
      .sort((a, b) => a.sinceMs - b.sinceMs || (a.key < b.key ? -1 : 1));
    const filter = { states: ['connected'], availability, source, group } as const;
    expect((await index.page(filter, null, 100)).items).toEqual(expected);
  }
}

function availabilityOf(view: Known['view']): { value: string; sinceMs: number } | undefined {
  return 'availability' in view ? view.availability : undefined;
}

async function expectSameOccupancy(
  index: PresenceIndex,
  entries: readonly Entry[],
  source?: SourceName,
  group?: Group<'tag' | 'scope' | 'label'>,
) {
  expect(await index.occupancy({ source, group })).toEqual(occupancyOf(among(entries, source, group)));
}

/** Tags without present participants are not listed. */
async function expectSameTags(index: PresenceIndex, entries: readonly Entry[], source?: SourceName) {
  const counts = TAGS.map((tag) => ({ tag, ...occupancyOf(among(entries, source, tagged(tag))) }));
  const expected = counts.filter(({ connected, reconnecting }) => connected + reconnecting > 0);
  const { items } = await index.tags(source, null, 10);
  expect(items).toHaveLength(expected.length);
  expect(items).toEqual(expect.arrayContaining(expected));
}

function occupancyOf(entries: readonly Entry[]): Occupancy {
  const countOf = (state: string) => entries.filter(({ view }) => view.state === state).length;
  const devices = entries.flatMap(({ view }) => view.devices.filter(({ state }) => state !== 'gone')).length;
  const known = (value: string) => entries.filter(({ view }) => availabilityOf(view)?.value === value).length;
  const [available, busy] = [known('available'), known('busy')];
  return { connected: countOf('connected'), reconnecting: countOf('reconnecting'), devices, available, busy };
}

/** An id group contains all scopes; a participant without a scope is found by its key instead. */
function among(entries: readonly Entry[], source?: SourceName, group?: Group): Entry[] {
  return entries.filter(({ subject, tag, labels = {} }) => {
    const [name = ''] = group?.kind === 'label' ? group.name.split('=') : [];
    const label = `${name}=${labels[name]}`;
    const names = { tag, scope: subject.scope, id: subject.scope === '' ? undefined : subject.participantId, label };
    return (source === undefined || subject.source === source) && (!group || names[group.kind] === group.name);
  });
}
