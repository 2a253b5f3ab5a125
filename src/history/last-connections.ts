// The last connections of devices that have changed recently, as they are in the table: most changes are of these devices, and to look
// for their rows would take longer than to write them. Only the process that writes the table can have them.
import { RecentMap } from '../runtime/recent-map.js';
import {
  type ConnectionBatch,
  type DeviceKey,
  participantText,
  type StoredRow,
  type WrittenRow,
} from './connection-batch.js';

/** Twice as many at most: about 10 MB. */
const PARTICIPANTS = 10_000;
/** Of one participant. */
const MAX_DEVICES = 4;

export class LastConnections {
  readonly #byParticipant: RecentMap<string, StoredRow[]>;

  constructor(participants = PARTICIPANTS) {
    this.#byParticipant = new RecentMap(participants);
  }

  of(key: DeviceKey): StoredRow | undefined {
    return this.#byParticipant.get(participantText(key))?.find(({ row }) => row.device_id === key.device_id);
  }

  /** To be called when the changes are committed. */
  keep({ last, newTags }: ConnectionBatch): void {
    for (const written of last) this.#keep(participantText(written.row), written);
    // Which of their connections have got the tag is not known.
    for (const participant of newTags) this.#byParticipant.delete(participantText(participant));
  }

  /** To be called when rows were changed in another way, or may have been. */
  clear(): void {
    this.#byParticipant.clear();
  }

  #keep(text: string, { row, id, stored }: WrittenRow): void {
    if (stored === null || id === undefined) {
      this.#byParticipant.delete(text);
      return;
    }
    const rows = this.#byParticipant.get(text) ?? [];
    const place = rows.findIndex((one) => one.row.device_id === row.device_id);
    if (place !== -1) rows.splice(place, 1);
    else if (rows.length === MAX_DEVICES) rows.shift();
    rows.push({ id, row });
    this.#byParticipant.set(text, rows);
  }
}
