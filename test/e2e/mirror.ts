// A typical client of the feed: lists once, then follows, and keeps track of who is present.
import { setTimeout as wait } from 'node:timers/promises';
import type { Service } from './service.js';

// biome-ignore lint/suspicious/noExplicitAny: responses, as a client sees them
type Answer = any;

interface Held {
  readonly participant: Record<string, unknown>;
  readonly devices: Map<string, Record<string, unknown>>;
}

export class Mirror {
  readonly #held = new Map<string, Held>();
  /** The version of each listed participant: changes up to it are already included in the list. */
  readonly #listed = new Map<string, number>();
  position = '';

  async list(service: Service): Promise<void> {
    for (let cursor = ''; ; ) {
      const { json } = await service.request(`/v1/participants?state=connected,reconnecting&limit=50${cursor}`);
      for (const item of json.items) this.#put(item);
      this.position = json.position;
      if (!json.nextCursor) return;
      cursor = `&cursor=${json.nextCursor}`;
      // Lets participants come and go between two pages.
      await wait(1);
    }
  }

  apply(change: Answer): void {
    const { type, participantId, deviceId, state, since, tag, cause, version } = change;
    if (version <= (this.#listed.get(participantId) ?? 0)) return;
    const { participant, devices } = this.#held.get(participantId) ?? { participant: {}, devices: new Map() };
    const presence = { state, since, ...(cause && { cause }) };
    const isOfDevice = type.startsWith('device.');
    if (isOfDevice) devices.set(deviceId, presence);
    this.#held.set(participantId, {
      participant: isOfDevice ? { ...participant, version } : { ...presence, tag, version },
      devices,
    });
  }

  /** The present participants with their present devices, in a fixed order. */
  get present(): unknown[] {
    const isPresent = ({ state }: Record<string, unknown>) => state !== 'gone';
    return [...this.#held]
      .filter(([, { participant }]) => isPresent(participant))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([participantId, { participant, devices }]) => ({
        participantId,
        ...participant,
        devices: [...devices].filter(([, device]) => isPresent(device)).sort(([a], [b]) => (a < b ? -1 : 1)),
      }));
  }

  #put({ participantId, devices, state, since, tag, cause, version }: Answer): void {
    const presence = (of: Answer) => ({ state: of.state, since: of.since, ...(of.cause && { cause: of.cause }) });
    this.#listed.set(participantId, version);
    this.#held.set(participantId, {
      participant: { ...presence({ state, since, cause }), tag, version },
      devices: new Map(devices.map((device: Answer) => [device.deviceId, presence(device)])),
    });
  }
}
