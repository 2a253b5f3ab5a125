// The rows of the live view: a row for each tag, followed by its participants unless it is collapsed.
import type { Participant } from './participant.js';
import type { PresenceList } from './presence-list.js';

export const ORDERS = ['longest', 'newest', 'id'] as const;
export type Order = (typeof ORDERS)[number];

export interface GroupRow {
  readonly kind: 'group';
  readonly tag: string;
  readonly connected: number;
  readonly reconnecting: number;
  readonly isCollapsed: boolean;
}

export type Row = GroupRow | { readonly kind: 'participant'; readonly participant: Participant };

export interface Arrangement {
  /** Part of a tag, an id or a reference, in any case; '': everybody. */
  readonly query: string;
  readonly order: Order;
  readonly collapsed: ReadonlySet<string>;
}

interface SortedGroup {
  readonly revision: number;
  readonly query: string;
  readonly order: Order;
  readonly members: readonly Participant[];
}

const COMPARE: Readonly<Record<Order, (a: Participant, b: Participant) => number>> = {
  longest: (a, b) => a.sinceMs - b.sinceMs || compareText(a.key, b.key),
  newest: (a, b) => b.sinceMs - a.sinceMs || compareText(a.key, b.key),
  id: (a, b) => compareText(a.participantId, b.participantId) || compareText(a.key, b.key),
};

/** Sorts a group only if it has changed: with many participants, most groups have not. */
export class RowArranger {
  #list: PresenceList | undefined;
  readonly #sorted = new Map<string, SortedGroup>();

  rowsOf(list: PresenceList, { query, order, collapsed }: Arrangement): Row[] {
    if (this.#list !== list) this.#sorted.clear();
    this.#list = list;
    const tags = [...list.tags].sort(compareTags);
    this.#forget(new Set(tags));
    const rows: Row[] = [];
    const wanted = query.trim().toLowerCase();
    for (const tag of tags) {
      const { members } = this.#membersOf(list, tag, { query: wanted, order });
      if (members.length === 0) continue;
      const connected = members.reduce((sum, { state }) => sum + (state === 'connected' ? 1 : 0), 0);
      const isCollapsed = collapsed.has(tag);
      rows.push({ kind: 'group', tag, connected, reconnecting: members.length - connected, isCollapsed });
      if (!isCollapsed) for (const participant of members) rows.push({ kind: 'participant', participant });
    }
    return rows;
  }

  #membersOf(list: PresenceList, tag: string, { query, order }: Omit<Arrangement, 'collapsed'>): SortedGroup {
    const revision = list.revisionOf(tag);
    const known = this.#sorted.get(tag);
    if (known && known.revision === revision && known.query === query && known.order === order) return known;
    const all = [...list.membersOf(tag)];
    const found = query === '' || tag.toLowerCase().includes(query) ? all : all.filter((one) => matches(one, query));
    const sorted = { revision, query, order, members: found.sort(COMPARE[order]) };
    this.#sorted.set(tag, sorted);
    return sorted;
  }

  #forget(tags: ReadonlySet<string>): void {
    for (const tag of this.#sorted.keys()) if (!tags.has(tag)) this.#sorted.delete(tag);
  }
}

function matches({ participantId, participantRef = '', source, scope = '' }: Participant, query: string): boolean {
  return [participantId, participantRef, source, scope].some((text) => text.toLowerCase().includes(query));
}

/** Those without a tag come last. */
function compareTags(a: string, b: string): number {
  if (a === '' || b === '') return a === b ? 0 : a === '' ? 1 : -1;
  return compareText(a, b);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
