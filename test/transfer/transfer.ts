// Exports and imports as the programs do, but with the text in memory.
import { Readable } from 'node:stream';
import type { DeviceId, RecordedEvent } from '../../src/domain/lifecycle-event.js';
import { advance } from '../../src/domain/participant.js';
import type { SourceName } from '../../src/domain/subject.js';
import { changesetOf, readRecord } from '../../src/presence/write/changeset.js';
import { type EndWithoutParticipant, encodeEnd, targetOf } from '../../src/storage/encoding/end-codec.js';
import { keyOf, type SubjectKey } from '../../src/storage/encoding/subject-key.js';
import type { Changeset, Storage } from '../../src/storage/ports.js';
import { Exporter } from '../../src/transfer/exporter.js';
import { importLines } from '../../src/transfer/import-lines.js';
import { type ImportCounts, Importer } from '../../src/transfer/importer.js';
import { linesOf } from '../../src/transfer/lines.js';
import { type Endpoint, encodeEndpoint, endpointId } from '../../src/webhooks/endpoint.js';
import { connected, disconnected, eventOf, fact, labelled, left, participantEnd, policy } from '../domain/builders.js';

/** Of all events, and of the imports. */
export const NOW_MS = 1_790_000_000_000;

/** So small that all loops have several pages. */
export const PAGE_SIZE = 20;

export async function exportOf(storage: Storage): Promise<string> {
  return collect(new Exporter(storage, undefined, PAGE_SIZE).chunks());
}

/** The rest of the export. */
export async function collect(chunks: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += chunk;
  return text;
}

/** Without the header, which names the store. */
export function bodyOf(text: string): string {
  return text.slice(text.indexOf('\n') + 1);
}

/** Rejects as the program fails. `counts` has what was imported until then. */
export async function importInto(
  storage: Storage,
  text: string | Buffer,
  report: { counts?: ImportCounts } = {},
): Promise<ImportCounts> {
  const importer = new Importer(
    storage,
    () => policy,
    () => NOW_MS,
  );
  report.counts = importer.counts;
  // Small chunks, so that lines and characters are cut.
  const bytes = Buffer.from(text as string);
  const chunks = Array.from({ length: Math.ceil(bytes.length / 999) }, (_, n) =>
    bytes.subarray(n * 999, (n + 1) * 999),
  );
  await importLines(linesOf(Readable.from(chunks)), importer, () => {});
  return importer.counts;
}

/** Applies the events of one participant at a time; `isAnnounced`: with the changes in the feed. */
export async function record(
  storage: Storage,
  events: readonly RecordedEvent[],
  { isAnnounced = true, nowMs = NOW_MS } = {},
): Promise<void> {
  const byKey = new Map<SubjectKey, RecordedEvent[]>();
  for (const event of events) byKey.set(keyOf(event.subject), [...(byKey.get(keyOf(event.subject)) ?? []), event]);
  const texts = await storage.records.load([...byKey.keys()]);
  const changesets = [...byKey].flatMap(([key, own], n): Changeset[] => {
    const loaded = readRecord(key, texts[n] as string | null);
    const changeset = changesetOf(key, loaded, advance(loaded?.record, own, nowMs, policy));
    return changeset ? [isAnnounced ? changeset : { ...changeset, changes: null }] : [];
  });
  const outcomes = await storage.records.commit(changesets);
  if (!outcomes.every((outcome) => outcome === 'done')) throw new Error('a commit failed');
}

export const SETTING_COUNT = 3;
/** More than a page. */
export const END_COUNT = PAGE_SIZE + 5;

/** Participants of several sources in all states, many of them since the same moment, and ends of rooms and devices. */
export async function fill(storage: Storage, count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, n) => eventsOf(n)).flat();
  await record(storage, events, { isAnnounced: false });
  const keys = [...new Set(events.map(({ subject }) => keyOf(subject)))].slice(0, count / 2);
  await Promise.all(keys.map((key, n) => storage.bindings.bind(`ref-${n}`, key, Date.now() + 3_600_000 + (n % 5))));
  for (let n = 0; n < SETTING_COUNT; n += 1) {
    await storage.webhookSettings.replace(`ep_${n}`, null, encodeEndpoint(await endpointOf(storage, n)));
  }
  for (let n = 0; n < END_COUNT; n += 1) await addEnd(storage, endOf(n), Date.now() + 3_600_000 + (n % 3));
}

async function endpointOf(storage: Storage, n: number): Promise<Endpoint> {
  const end = await storage.feed.end();
  return {
    id: endpointId(String(n)),
    url: `https://backend.example.com/${n}`,
    filter: { tag: `team ${n} ü` },
    batch: 1,
    headers: { 'x-key': 'of the gateway' },
    isEnabled: true,
    secrets: [{ text: `whsec_${Buffer.alloc(32, n).toString('base64')}` }],
    start: end,
    eventStart: 7,
    ...(n % 2 === 0 && { replay: { id: 'r', from: end, fromEvent: 7 } }),
    isDeclared: false,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
  };
}

export function addEnd(storage: Storage, end: EndWithoutParticipant, untilMs = Date.now() + 3_600_000): Promise<void> {
  return storage.ends.add(targetOf(end), encodeEnd(end), untilMs);
}

function endOf(n: number): EndWithoutParticipant {
  const at = NOW_MS - n * 10;
  const times = { occurredAtMs: at, receivedAtMs: at + 1, precisionMs: 1 } as const;
  const room = { source: 'livekit' as SourceName, scope: `room ${n % 4} ü`, ...times };
  return n % 2
    ? { ...room, kind: 'room-ended', eventId: `e${n}` }
    : { ...room, kind: 'device-left', deviceId: 'd1' as DeviceId };
}

/** Of the participant with this number. */
export function eventsOf(n: number): RecordedEvent[] {
  const source = ['bandwidth', 'livekit', 'zoom'][Math.floor(n / 6) % 3] as string;
  const scope = source === 'bandwidth' ? '' : `room ${n % 7} ü "\u{1f389}`;
  const who = { source, scope, participant: `p${n}` };
  const at = NOW_MS - 10_000 + Math.floor(n / 40) * 10;
  const tag = n % 2 ? `team ${n % 5}` : undefined;
  const first = connected({
    ...who,
    at,
    ...(tag && { tag }),
    ...(n % 4 === 0 && { mintedLabels: { call: `${n % 9}` } }),
  });
  switch (n % 6) {
    case 0:
      return [first];
    case 1:
      return [first, disconnected({ ...who, at: at + 500 })];
    case 2:
      return [first, left({ ...who, at: at + 900 })];
    case 3:
      return [first, connected({ ...who, device: 'd2', at: at + 1 }), fact('busy', { ...who, at: at + 5 })];
    case 4:
      return [labelled({ call: '42' }, { ...who, at })];
    default:
      return [
        ...Array.from({ length: 40 }, (_, k) => eventOf(k % 2 ? 'left' : 'connected', { ...who, at: at + k })),
        participantEnd('participant-left', { ...who, at: at + 50 }),
      ];
  }
}
