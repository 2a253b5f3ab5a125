import { useState } from 'preact/hooks';
import { signIn } from '../api/session.js';
import { Fault, Loading } from '../components/basics.js';

export function LockedView({ fault }: { fault: string | undefined }) {
  const [key, setKey] = useState('');
  const [isTrying, setTrying] = useState(false);
  const tryKey = async (event: SubmitEvent) => {
    event.preventDefault();
    setTrying(true);
    await signIn(key.trim());
    setTrying(false);
  };
  return (
    <main class="gate">
      <form class="card" onSubmit={(event) => void tryKey(event)}>
        <h1>Rollcall</h1>
        <p>This service needs an API key with the scope read. Views for operators need the scope admin as well.</p>
        {fault !== undefined && <Fault message={fault} />}
        <label>
          API key
          <input
            type="password"
            autocomplete="off"
            spellcheck={false}
            required
            maxLength={256}
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary" disabled={isTrying || key.trim() === ''}>
          {isTrying ? 'Checking…' : 'Open'}
        </button>
        <p class="muted">
          The key stays in this tab and is forgotten when the tab is closed. An operator makes one with
        </p>
        <code class="block">npm run --silent key -- ops read+admin</code>
      </form>
    </main>
  );
}

export function RefusedView({ fault }: { fault: string }) {
  return (
    <main class="gate">
      <div class="card">
        <h1>Rollcall</h1>
        <Fault message={fault} />
      </div>
    </main>
  );
}

export function StartingView({ fault }: { fault: string | undefined }) {
  return (
    <main class="gate">
      <div class="card">
        <h1>Rollcall</h1>
        {fault === undefined ? <Loading what="the service" /> : <Fault message={`${fault} Trying again…`} />}
      </div>
    </main>
  );
}
