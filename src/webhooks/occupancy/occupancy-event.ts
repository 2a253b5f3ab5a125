// An event that no single change says, because it is about a tag or a rule: derived from the feed once, and stored as JSON.
import type { OccupancyEvent } from '../../storage/webhook-ports.js';

/** Of the stored text. A change of its shape needs a new one, and code that still reads this one. */
const FORMAT = 1;

export const OCCUPANCY_EVENT_TYPES = ['tag.occupied', 'tag.vacated', 'occupancy.alert', 'occupancy.ok'] as const;
export type OccupancyEventType = (typeof OCCUPANCY_EVENT_TYPES)[number];

export interface DerivedEvent {
  readonly type: OccupancyEventType;
  /** Events with the same key are sent in order. */
  readonly key: string;
  /** undefined: it is not about a single tag. */
  readonly tag?: string | undefined;
  /** As it is sent. */
  readonly data: object;
}

/** A derived event with its place among all of them. */
export type NumberedEvent = DerivedEvent & Omit<OccupancyEvent, 'text'>;

export function encodeEvent({ type, key, tag, data }: DerivedEvent): string {
  return JSON.stringify({ format: FORMAT, type, key, tag, data });
}

/** undefined: the text is not a result of `encodeEvent`. */
export function decodeEvent({ number, atMs, text }: OccupancyEvent): NumberedEvent | undefined {
  try {
    const { format, ...event } = JSON.parse(text) as DerivedEvent & { readonly format: number };
    return format === FORMAT ? { ...event, number, atMs } : undefined;
  } catch {
    return undefined;
  }
}

export function isOccupancyEventType(type: string): type is OccupancyEventType {
  return (OCCUPANCY_EVENT_TYPES as readonly string[]).includes(type);
}

interface EventFilter {
  readonly types?: readonly string[] | undefined;
  readonly tag?: string | undefined;
  readonly source?: string | undefined;
  readonly scope?: string | undefined;
}

/** Whether a filter may match such events at all. They must be asked for, and have no source and no scope. */
export function wantsType({ types, source, scope }: EventFilter, type: OccupancyEventType): boolean {
  return types?.includes(type) === true && source === undefined && scope === undefined;
}

export function wantsEvent(filter: EventFilter, { type, tag }: Pick<DerivedEvent, 'type' | 'tag'>): boolean {
  return wantsType(filter, type) && (filter.tag === undefined || filter.tag === tag);
}
