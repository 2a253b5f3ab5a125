import { apiKey } from '../api/api-key.js';
import { lock, may, system } from '../api/session.js';
import { connection } from '../presence/connection.js';
import { type Route, route } from '../router.js';

interface Tab {
  readonly view: Route['view'];
  readonly href: string;
  readonly name: string;
}

/** Only what the service has and the key allows. */
function tabs(): Tab[] {
  const isAdmin = may('admin');
  return [
    { view: 'live', href: '/', name: 'Live' },
    { view: 'activity', href: '/activity', name: 'Activity' },
    ...(system.value?.history ? [{ view: 'history', href: '/history', name: 'History' } as const] : []),
    ...(isAdmin ? [{ view: 'webhooks', href: '/webhooks', name: 'Webhooks' } as const] : []),
    ...(isAdmin ? [{ view: 'quarantine', href: '/quarantine', name: 'Quarantine' } as const] : []),
    { view: 'system', href: '/system', name: 'System' },
  ];
}

export function Header() {
  const { view } = route.value;
  return (
    <header class="top">
      <a class="brand" href="/" data-route>
        <Mark />
        Rollcall
      </a>
      <nav aria-label="Views">
        {tabs().map((tab) => (
          <a key={tab.href} href={tab.href} data-route aria-current={tab.view === view ? 'page' : undefined}>
            {tab.name}
          </a>
        ))}
      </nav>
      <div class="top-end">
        <ConnectionPill />
        <Account />
      </div>
    </header>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <circle cx="11" cy="12" r="4" />
      <path d="M4 25c0-5 3-8 7-8s7 3 7 8z" />
      <circle class="far" cx="22" cy="13" r="3" />
      <path class="far" d="M19.5 25c0-3-.6-5-1.7-6.6a6 6 0 0 1 4.2-1.4c3.5 0 6 2.800 6 8z" />
    </svg>
  );
}

const CONNECTION_NAMES = { loading: 'Loading', live: 'Live', interrupted: 'Not live' } as const;

function ConnectionPill() {
  const { kind } = connection.value;
  return (
    <span class={`pill pill-${kind}`} role="status" data-connection={kind}>
      <span class="dot" aria-hidden="true" />
      {CONNECTION_NAMES[kind]}
    </span>
  );
}

function Account() {
  if (apiKey.value === '') return null;
  const { key = 'key', scopes = [] } = system.value?.access ?? {};
  return (
    <span class="account">
      <span class="account-name" title={`API key ${key}: ${scopes.join(', ')}`}>
        <bdi>{key}</bdi>
      </span>
      <button type="button" class="quiet" onClick={() => lock()}>
        Sign out
      </button>
    </span>
  );
}
