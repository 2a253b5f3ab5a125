// The last connections of devices that have changed recently, as they are in the table: most changes are of these devices, and to look
// for their rows would take longer than to write them. Only the process that writes the table can have them.
import { type ConnectionBatch, type DeviceKey, participantText, type StoredRow } from './connection-batch.js';

/** About 10 MB. */
const MAX_PARTICIPANTS = 20_000;
/** Of one participant. */
const MAX_DEVICES = 4;

export class LastConnections {
  /** By participant; the newest ones are the last ones. */
  readonly #rows = new Map<string, readonly StoredRow[]>();

  constructor(private readonly maxParticipants = MAX_PARTICIPANTS) {}

  of(key: DeviceKey): StoredRow | undefined {
    return this.#rows.get(participantText(key))?.find((row) => row.device_id === key.device_id);
  }

  /** To be called when the changes are committed. */
  keep({ last, newTags }: ConnectionBatch): void {
    for (const row of last) this.#add(row);
    // Which of their connections have got the tag is not known.
    for (const participant of newTags) this.#rows.delete(participantText(participant));
    for (const text of this.#rows.keys()) {
      if (this.#rows.size <= this.maxParticipants) return;
      this.#rows.delete(text);
    }
  }

  /** To be called when rows were changed in another way, or may have been. */
  clear(): void {
    this.#rows.clear();
  }

  #add(row: StoredRow): void {
    const text = participantText(row);
    const others = this.#rows.get(text)?.filter(({ device_id }) => device_id !== row.device_id) ?? [];
    this.#rows.delete(text);
    this.#rows.set(text, [...others, row].slice(-MAX_DEVICES));
  }
}
