// The views by path. The service serves the page at each of these: src/console/serve-console.ts has the same list.
import { computed, signal } from '@preact/signals';
import type { SubjectMembers } from './api/types.js';

export type Route =
  | { readonly view: 'live' | 'activity' | 'history' | 'webhooks' | 'quarantine' | 'system' | 'unknown' }
  | { readonly view: 'participant'; readonly participantId: string; readonly query: string };

const address = signal(current());

export const route = computed((): Route => {
  const [path = '/', query = ''] = address.value.split(/\?(.*)/s);
  const [, first = '', second] = path.split('/');
  if (first === 'participants' && second !== undefined && second !== '') {
    return { view: 'participant', participantId: decoded(second), query };
  }
  if (second !== undefined) return { view: 'unknown' };
  switch (first) {
    case '':
      return { view: 'live' };
    case 'activity':
    case 'history':
    case 'webhooks':
    case 'quarantine':
    case 'system':
      return { view: first };
    default:
      return { view: 'unknown' };
  }
});

export function participantPath({ participantId, source, scope }: SubjectMembers): string {
  const query = new URLSearchParams({ source, ...(scope !== undefined && { scope }) });
  return `/participants/${encodeURIComponent(participantId)}?${String(query)}`;
}

/** Follows links to views without loading the page again. Must be called once. */
export function startRouter(): void {
  addEventListener('popstate', () => {
    address.value = current();
  });
  addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!link || !isPlain || event.defaultPrevented || link.origin !== location.origin || link.target !== '') return;
    if (link.dataset['route'] === undefined) return;
    event.preventDefault();
    history.pushState(null, '', link.href);
    address.value = current();
    scrollTo(0, 0);
    document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true });
  });
}

function current(): string {
  return location.pathname + location.search;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
