// An endpoint: where changes are sent to, and which. Stored as JSON.
import { CHANGE_TYPES, type ChangeType } from '../domain/change.js';
import type { ChangeFilter } from '../feed/change-filter.js';
import type { FeedPosition } from '../storage/feed-position.js';
import { isOccupancyEventType, OCCUPANCY_EVENT_TYPES, type OccupancyEventType } from './occupancy/occupancy-event.js';
import type { Setting } from './stored-settings.js';

/** Of the stored text. A change of its shape needs a new one, and code that still reads this one. */
const FORMAT = 1;

export type EndpointId = string & { readonly brand: 'EndpointId' };

/** `gone`: it answered 410. `failing`: it took nothing for days. */
export const DISABLE_REASONS = ['gone', 'failing'] as const;
export type DisableReason = (typeof DISABLE_REASONS)[number];

export type EventType = ChangeType | OccupancyEventType;
export const EVENT_TYPES: readonly EventType[] = [...CHANGE_TYPES, ...OCCUPANCY_EVENT_TYPES];

/** Undefined members match everything, except that occupancy events must be among the types. */
export interface EndpointFilter extends Pick<ChangeFilter, 'tag' | 'source' | 'scope'> {
  readonly types?: readonly EventType[] | undefined;
}

/** What whoever configures an endpoint chooses. */
export interface EndpointSettings {
  readonly url: string;
  readonly description?: string | undefined;
  readonly filter: EndpointFilter;
  /** The maximum number of changes in one request. */
  readonly batch: number;
  /** Sent with each request. They may have secrets. */
  readonly headers: Readonly<Record<string, string>>;
  readonly isEnabled: boolean;
}

interface Secret {
  readonly text: string;
  /** Only of one that was replaced: until then it signs as well. */
  readonly untilMs?: number;
}

/** Deliver again what follows a position. Known by its id to whoever has done so. */
interface ReplayRequest {
  readonly id: string;
  readonly from: FeedPosition;
  /** The number of the occupancy event at that time. */
  readonly fromEvent: number;
}

export interface Endpoint extends EndpointSettings, Setting<EndpointId> {
  /** The newest first. */
  readonly secrets: readonly Secret[];
  /** What comes after it is delivered. */
  readonly start: FeedPosition;
  /** The same for occupancy events: a number. */
  readonly eventStart: number;
  readonly replay?: ReplayRequest;
  /** Why the service has disabled it; undefined if it has not. */
  readonly disabled?: { readonly reason: DisableReason; readonly atMs: number };
  /** Whether it comes from the setting WEBHOOK_ENDPOINTS. */
  readonly isDeclared: boolean;
}

/** For the feed. */
export function changeFilterOf({ types, ...filter }: EndpointFilter): ChangeFilter {
  return { ...filter, types: types?.filter((type): type is ChangeType => !isOccupancyEventType(type)) };
}

const ID_PREFIX = 'ep_';

export function isEndpointId(text: string): text is EndpointId {
  return /^ep_[\w-]{1,64}$/.test(text);
}

export function endpointId(text: string): EndpointId {
  return `${ID_PREFIX}${text}` as EndpointId;
}

export function encodeEndpoint(endpoint: Endpoint): string {
  return JSON.stringify({ format: FORMAT, ...endpoint });
}

/** Throws if the text is not a result of `encodeEndpoint`. */
export function decodeEndpoint(text: string): Endpoint {
  const { format, ...endpoint } = JSON.parse(text) as Endpoint & { readonly format: number };
  if (format !== FORMAT) throw new Error(`an endpoint was stored in the unknown format ${format}`);
  const { url, filter, secrets, start, headers } = endpoint;
  const isWhole = [filter, headers, secrets, start].every((part) => typeof part === 'object' && part !== null);
  if (typeof url !== 'string' || !isWhole) throw new Error('the endpoint lacks members');
  return endpoint;
}

/** The secrets that sign at this time. */
export function signingSecrets({ secrets }: Endpoint, nowMs: number): string[] {
  return secrets.filter(({ untilMs = Number.POSITIVE_INFINITY }) => untilMs > nowMs).map(({ text }) => text);
}
