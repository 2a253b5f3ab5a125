// The last connections of devices that have changed recently, as they are in the table: most changes are of these devices, and to look
// for their rows would take longer than to write them. Only the process that writes the table can have them.
import {
  type ConnectionBatch,
  type DeviceKey,
  participantText,
  type StoredRow,
  type WrittenRow,
} from './connection-batch.js';

/** In each of two parts: together about 10 MB. */
const MAX_PARTICIPANTS = 10_000;
/** Of one participant. */
const MAX_DEVICES = 4;

type ByParticipant = Map<string, StoredRow[]>;

export class LastConnections {
  /** When it is full, it replaces the other part: so whatever has not changed for the longest time is forgotten. */
  #recent: ByParticipant = new Map();
  #older: ByParticipant = new Map();

  constructor(private readonly maxParticipants = MAX_PARTICIPANTS) {}

  of(key: DeviceKey): StoredRow | undefined {
    return this.#rowsOf(participantText(key))?.find(({ row }) => row.device_id === key.device_id);
  }

  /** To be called when the changes are committed. */
  keep({ last, newTags }: ConnectionBatch): void {
    for (const written of last) this.#keep(participantText(written.row), written);
    // Which of their connections have got the tag is not known.
    for (const participant of newTags) this.#forget(participantText(participant));
  }

  /** To be called when rows were changed in another way, or may have been. */
  clear(): void {
    this.#recent.clear();
    this.#older.clear();
  }

  #keep(text: string, { row, id, stored }: WrittenRow): void {
    if (stored === null || id === undefined) {
      this.#forget(text);
      return;
    }
    const rows = this.#rowsOf(text) ?? [];
    const place = rows.findIndex((one) => one.row.device_id === row.device_id);
    if (place !== -1) rows.splice(place, 1);
    else if (rows.length === MAX_DEVICES) rows.shift();
    rows.push({ id, row });
    this.#recent.set(text, rows);
    if (this.#recent.size <= this.maxParticipants) return;
    this.#older = this.#recent;
    this.#recent = new Map();
  }

  #forget(text: string): void {
    this.#recent.delete(text);
    this.#older.delete(text);
  }

  #rowsOf(text: string): StoredRow[] | undefined {
    return this.#recent.get(text) ?? this.#older.get(text);
  }
}
