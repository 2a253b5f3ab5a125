// The changes of one transaction, applied to the last connection of each device. Each change of a device has its current connection and
// those earlier ones that it adds or corrects, so that a change replaces what was known, however often it is applied.
import type { Change } from '../domain/change.js';
import type { DeviceConnection, PastConnection } from '../domain/device-connections.js';
import type { ConnectionRow } from './tables.js';

export type NewRow = Omit<ConnectionRow, 'id'>;
export type DeviceKey = Pick<NewRow, 'source' | 'scope' | 'participant_id' | 'device_id'>;

/** To be deleted: the connections of the generation whose number is greater. */
export type Removal = DeviceKey & Pick<NewRow, 'generation' | 'number'>;

export interface StoredRow {
  readonly id: number;
  readonly row: NewRow;
}

export interface WrittenRow {
  readonly row: NewRow;
  /** An earlier connection keeps its tag, unless this is false. */
  readonly keepsTag: boolean;
  /** The row that it replaces; undefined: there is none; null: not known. */
  readonly stored: StoredRow | undefined | null;
  /** undefined: it is not written yet. If it is not known whether it replaces a row: what it is if it does not. */
  id: number | undefined;
}

/** The tag that the open connections of a participant have from now on. */
export type NewTag = Pick<NewRow, 'source' | 'scope' | 'participant_id' | 'tag' | 'version'>;

interface Device {
  readonly key: DeviceKey;
  /** The last connection in the table; undefined: there is none; null: it was removed, and the one before it is not known. */
  stored: StoredRow | undefined | null;
  /** The last connection after the changes. */
  last: NewRow | undefined;
  /** Mostly one. */
  rows: WrittenRow[];
}

export class ConnectionBatch {
  readonly #devices = new Map<string, Device>();
  readonly #newTags = new Map<string, NewTag>();
  /** Participants whose open connections have their tag already. */
  readonly #tagged = new Set<string>();
  readonly removals: Removal[] = [];
  /** The length of the longest connection that has ended; 0: none. */
  longestMs = 0;

  /** `isRebuild`: the changes are made from records instead of read from the feed, so they are right whatever the rows say. */
  constructor(
    keys: DeviceKeys,
    lastRows: readonly (StoredRow | undefined)[],
    private readonly isRebuild: boolean,
  ) {
    let n = 0;
    for (const [text, key] of keys) {
      const stored = lastRows[n++];
      this.#devices.set(text, { key, stored, last: stored?.row, rows: [] });
    }
  }

  get written(): WrittenRow[] {
    const written: WrittenRow[] = [];
    for (const { rows } of this.#devices.values()) written.push(...rows);
    return written;
  }

  /** The rows that are the last connection of a device. */
  get last(): WrittenRow[] {
    const written: WrittenRow[] = [];
    for (const { rows, last } of this.#devices.values()) {
      const one = last && rows.find(({ row }) => row === last);
      if (one) written.push(one);
    }
    return written;
  }

  get newTags(): NewTag[] {
    return [...this.#newTags.values()];
  }

  apply(change: Change): void {
    if (change.deviceId === undefined) this.#applyToParticipant(change);
    else this.#applyToDevice(change, this.#devices.get(deviceText(keyOf(change))) as Device);
  }

  #applyToDevice(change: Change, device: Device): void {
    const { key, last } = device;
    if (last && !this.isRebuild && change.version <= last.version) return;
    const tag = change.tag ?? null;
    if (tag !== null && last?.ended_at_ms === null && last.tag === tag) this.#tagged.add(participantText(key));
    const generation = last && !this.#isNewGeneration(change, last) ? last.generation : change.version;
    if (last && last.generation !== generation && last.ended_at_ms === null) this.#end(device, last, change.sinceMs);
    const connection = change.connection ?? connectionOfRow(change, last);
    const row = currentRow(change, key, generation, connection);
    const { from = 0, connections = [] } = connection.correction ?? {};
    for (const [n, one] of connections.entries()) this.#correct(device, pastRow(row, from + n, one));
    this.#put(device, row, false);
    if (last?.generation === generation && last.number > row.number) this.#remove(device, row);
    device.last = row;
  }

  /** Whether the device was forgotten in between, so that its connections are numbered from 0 again. */
  #isNewGeneration({ previousState, connection }: Change, last: NewRow): boolean {
    if (previousState !== null) return false;
    // A rebuild that was interrupted may have written it already.
    if (!this.isRebuild) return true;
    const { correction, startMs = 0 } = connection ?? {};
    const starts = [startMs, ...(correction?.connections ?? []).map((one) => one.startMs)];
    return Math.min(...starts) > (last.ended_at_ms ?? last.started_at_ms);
  }

  /** Nothing is known about its end: its record was lost. */
  #end(device: Device, row: NewRow, endedAtMs: number): void {
    const end = { ended_at_ms: Math.max(endedAtMs, row.started_at_ms), lost_at_ms: null, cause: 'expired' as const };
    this.#correct(device, { ...row, ...end });
  }

  #correct(device: Device, row: NewRow): void {
    const newer = device.rows.find((one) => isSameConnection(one.row, row));
    if (newer && !newer.keepsTag) this.#put(device, { ...row, tag: newer.row.tag }, false);
    else this.#put(device, row, true);
  }

  #put({ rows, stored }: Device, row: NewRow, keepsTag: boolean): void {
    const replaced = storedRowOf(row, stored);
    const written = { row, keepsTag, stored: replaced, id: replaced?.id };
    const place = rows.findIndex((one) => isSameConnection(one.row, row));
    if (place === -1) rows.push(written);
    else rows[place] = written;
    if (row.ended_at_ms !== null) this.longestMs = Math.max(this.longestMs, row.ended_at_ms - row.started_at_ms);
  }

  #remove(device: Device, { generation, number }: NewRow): void {
    const { key, rows, stored } = device;
    const isKept = (row: NewRow) => row.generation !== generation || row.number <= number;
    this.removals.push({ ...key, generation, number });
    device.rows = rows.filter(({ row }) => isKept(row));
    if (stored && !isKept(stored.row)) device.stored = null;
  }

  /** Its devices come first, but only those that have changed. */
  #applyToParticipant(change: Change): void {
    const { subject, type, tag, previousTag, previousState, version } = change;
    const { source, scope, participantId: participant_id } = subject;
    const text = participantText({ source, scope, participant_id });
    const mayBeNew = tag !== undefined && (type === 'participant.updated' || previousState === 'reconnecting');
    if (previousTag === undefined && !(mayBeNew && !this.#tagged.has(text))) return;
    this.#newTags.set(text, { source, scope, participant_id, tag: tag ?? null, version });
  }
}

/** By their texts. */
export type DeviceKeys = ReadonlyMap<string, DeviceKey>;

/** The distinct devices of the changes. */
export function deviceKeysOf(changes: readonly Change[]): DeviceKeys {
  const keys = new Map<string, DeviceKey>();
  for (const change of changes) {
    if (change.deviceId === undefined) continue;
    const key = keyOf(change);
    keys.set(deviceText(key), key);
  }
  return keys;
}

/** `last`: the last one of the device in the table. */
function storedRowOf(row: NewRow, last: StoredRow | undefined | null): StoredRow | undefined | null {
  if (!last) return last;
  if (isSameConnection(last.row, row)) return last;
  const { generation, number } = last.row;
  const isLater = row.generation > generation || (row.generation === generation && row.number > number);
  return isLater ? undefined : null;
}

type Numbers = Pick<NewRow, 'generation' | 'number'>;

/** Of one device. */
function isSameConnection(a: Numbers, b: Numbers): boolean {
  return a.generation === b.generation && a.number === b.number;
}

/** As one literal: rows that are spread from parts take several times as long to make. */
function currentRow(change: Change, key: DeviceKey, generation: number, connection: DeviceConnection): NewRow {
  const { state, sinceMs } = change;
  return {
    source: key.source,
    scope: key.scope,
    participant_id: key.participant_id,
    device_id: key.device_id,
    generation,
    number: connection.number,
    tag: change.tag ?? null,
    connected_at_ms: connection.connectedAtMs,
    started_at_ms: connection.startMs,
    lost_at_ms: state === 'reconnecting' ? sinceMs : null,
    ended_at_ms: state === 'gone' ? sinceMs : null,
    cause: change.cause ?? null,
    interruptions: connection.interruptions,
    version: change.version,
  };
}

function pastRow(current: NewRow, number: number, past: PastConnection): NewRow {
  return {
    ...current,
    number,
    connected_at_ms: past.connectedAtMs,
    started_at_ms: past.startMs,
    lost_at_ms: null,
    ended_at_ms: past.endedAtMs,
    cause: past.cause,
    interruptions: past.interruptions,
  };
}

/** For a change of an earlier version of Rollcall, which lacks the connection: what the row says of it stays. */
function connectionOfRow({ sinceMs }: Change, last: NewRow | undefined): DeviceConnection {
  const { number = 0, connected_at_ms: connectedAtMs = null, started_at_ms: startMs = sinceMs } = last ?? {};
  return { number, connectedAtMs, startMs, interruptions: last?.interruptions ?? 0 };
}

function keyOf({ subject, deviceId = '' as never }: Change): DeviceKey {
  const { source, scope, participantId } = subject;
  return { source, scope, participant_id: participantId, device_id: deviceId };
}

/** No part contains a control character: see identifier.ts. */
function deviceText(key: DeviceKey): string {
  return `${key.device_id}\u001f${participantText(key)}`;
}

export function participantText({
  source,
  scope,
  participant_id,
}: Pick<DeviceKey, 'source' | 'scope' | 'participant_id'>): string {
  return `${participant_id}\u001f${source}\u001f${scope}`;
}
