// Endpoints of webhooks, and other settings of the same store, as they are moved. Positions are those of one feed, so they stay behind: an
// endpoint begins at the end of the feed that it comes to.
import type { FeedPosition } from '../storage/feed-position.js';
import type { WebhookSetting } from '../storage/webhook-ports.js';
import { isEndpointId } from '../webhooks/endpoint.js';

type Members = Readonly<Record<string, unknown>>;

/** undefined: it cannot be read. */
export function exportedSetting({ text }: WebhookSetting): Members | undefined {
  try {
    const { start: _start, eventStart: _eventStart, replay: _replay, ...members } = JSON.parse(text) as Members;
    return members;
  } catch {
    return undefined;
  }
}

interface Start {
  readonly start: FeedPosition;
  /** The number of an occupancy event. */
  readonly eventStart: number;
}

/** As it is stored. `start`: the ends of its new store. */
export function importedText(id: string, members: Members, start: Start): string {
  return JSON.stringify(isEndpointId(id) ? { ...members, ...start } : members);
}
