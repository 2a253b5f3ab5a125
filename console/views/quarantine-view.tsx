import { useState } from 'preact/hooks';
import { request } from '../api/client.js';
import { system } from '../api/session.js';
import type { Page, QuarantinedCallback, QuarantineEntry } from '../api/types.js';
import { ActionButton, OutcomeNote, useAction } from '../components/action.js';
import { CopyButton, Empty, Fault, Foreign, Heading, Loading, Moment } from '../components/basics.js';
import { useLoaded } from '../components/loaded.js';
import { bytesText, numberText } from '../text.js';

const RENEW_MS = 5_000;
const SHOWN = 100;
const REASONS: Readonly<Record<string, string>> = {
  'malformed-body': 'The body is not JSON, or too deep',
  'invalid-fields': 'A member is missing or not valid',
  'unknown-event': 'This kind of event is not known',
  'wrong-participant': 'Its callback URL is bound to another participant',
  'internal-error': 'The service failed',
};

interface Totals {
  readonly replayed: number;
  readonly failed: number;
  readonly remaining: number;
}

export function QuarantineView() {
  const [reason, setReason] = useState('');
  const [source, setSource] = useState('');
  const [openId, setOpenId] = useState<string | undefined>();
  const action = useAction();
  const filter = { ...(reason !== '' && { reason }), ...(source !== '' && { source }) };
  const query = String(new URLSearchParams({ ...filter, limit: String(SHOWN) }));
  const { value, fault, reload } = useLoaded(
    (signal) => request<Page<QuarantineEntry>>(`/v1/quarantine?${query}`, { signal }),
    [query],
    RENEW_MS,
  );
  const replayAll = async () => {
    const { replayed, failed, remaining } = await request<Totals>('/v1/quarantine/replay', {
      method: 'POST',
      body: filter,
    });
    reload();
    return {
      text: `${numberText(replayed)} replayed, ${numberText(failed)} failed, ${numberText(remaining)} remaining.`,
      isGood: failed === 0,
    };
  };
  const items = value?.items ?? [];
  return (
    <>
      <Heading title="Quarantine">
        {items.length > 0 && (
          <ActionButton action={action} work={replayAll} question="Replay all callbacks that match?">
            Replay all that match
          </ActionButton>
        )}
      </Heading>
      <div class="toolbar">
        <Choice name="Reason" value={reason} choose={setReason} options={Object.keys(REASONS)} />
        <Choice
          name="Source"
          value={source}
          choose={setSource}
          options={(system.value?.sources ?? []).map(({ name }) => name)}
        />
      </div>
      <OutcomeNote outcome={action.outcome} />
      {fault !== undefined && <Fault message={fault} retry={reload} />}
      {!value && fault === undefined && <Loading what="the quarantine" />}
      {value && items.length === 0 && (
        <Empty title="Nothing is in quarantine">
          <p>Callbacks that are refused or not understood are kept here, until you replay them or they are too old.</p>
        </Empty>
      )}
      {items.map((entry) => (
        <section key={entry.id} class="panel" aria-label={`Callback of ${entry.receivedAt}`}>
          <div class="panel-head">
            <button
              type="button"
              class="expander"
              aria-expanded={entry.id === openId}
              onClick={() => setOpenId(entry.id === openId ? undefined : entry.id)}
            >
              <span class="chevron" aria-hidden="true" />
              {REASONS[entry.reason] ?? entry.reason}
            </button>
            <span class="muted">
              <Foreign text={entry.source} /> · {bytesText(entry.bytes)} · <Moment time={entry.receivedAt} />
            </span>
          </div>
          {entry.id === openId && <Callback id={entry.id} replayed={reload} />}
        </section>
      ))}
      {value?.nextCursor !== undefined && <p class="muted">The newest {SHOWN} are shown.</p>}
    </>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly value: string;
  readonly choose: (value: string) => void;
  readonly options: readonly string[];
}

function Choice({ name, value, choose, options }: ChoiceProps) {
  return (
    <label>
      <span class="hidden">{name}</span>
      <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">{name}: all</option>
        {options.map((one) => (
          <option key={one} value={one}>
            {REASONS[one] ?? one}
          </option>
        ))}
      </select>
    </label>
  );
}

function Callback({ id, replayed }: { id: string; replayed: () => void }) {
  const path = `/v1/quarantine/${encodeURIComponent(id)}`;
  const { value, fault } = useLoaded((signal) => request<QuarantinedCallback>(path, { signal }), [path]);
  const action = useAction();
  const replay = async () => {
    const { outcome } = await request<{ outcome: string }>(`${path}/replay`, { method: 'POST' });
    replayed();
    return { text: `Replayed: ${outcome}.`, isGood: true };
  };
  if (fault !== undefined) return <Fault message={fault} />;
  if (!value) return <Loading what="the callback" />;
  const body = value.body ?? value.bodyBase64 ?? '';
  return (
    <div class="details">
      <OutcomeNote outcome={action.outcome} />
      <p class="muted wrap">
        {value.contentType} · request <span class="mono">{value.requestId}</span>
        {value.body === undefined && ' · not text: shown as base64'}
      </p>
      <pre tabIndex={0} aria-label="Body of the callback">
        {indented(body)}
      </pre>
      <div class="toolbar">
        <ActionButton action={action} work={replay}>
          Replay
        </ActionButton>
        <CopyButton text={body} name="Copy body" />
      </div>
    </div>
  );
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
