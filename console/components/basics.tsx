// The small parts that views are made of.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { now } from '../presence/connection.js';
import { dateTimeText, durationText, momentText } from '../text.js';

const STATE_NAMES: Readonly<Record<string, string>> = {
  connected: 'Connected',
  reconnecting: 'Reconnecting',
  gone: 'Gone',
  expected: 'Expected',
};

export function StateBadge({ state }: { state: string }) {
  return (
    <span class={`state state-${state}`}>
      <span class="dot" aria-hidden="true" />
      {STATE_NAMES[state] ?? state}
    </span>
  );
}

/** How long ago, counted on while what is shown is live. */
export function Ago({ sinceMs }: { sinceMs: number }) {
  return (
    <time dateTime={new Date(sinceMs).toISOString()} title={dateTimeText(sinceMs)}>
      {durationText(Math.max(now.value - sinceMs, 0))}
    </time>
  );
}

export function Moment({ time }: { time: number | string }) {
  return (
    <time dateTime={new Date(time).toISOString()} title={dateTimeText(time)}>
      {momentText(time)}
    </time>
  );
}

/** Ids and tags are text from outside: shown as it is, in its own direction, and never wider than its place. */
export function Foreign({ text, mono = false }: { text: string; mono?: boolean }) {
  return (
    <bdi class={mono ? 'foreign mono' : 'foreign'} title={text}>
      {text}
    </bdi>
  );
}

export function CopyButton({ text, name = 'Copy' }: { text: string; name?: string }) {
  const [outcome, setOutcome] = useState<'copied' | 'failed' | undefined>();
  useEffect(() => {
    if (outcome === undefined) return undefined;
    const timer = setTimeout(() => setOutcome(undefined), 2_000);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setOutcome('copied'),
      () => setOutcome('failed'),
    );
  const shown = { copied: 'Copied', failed: 'Select it to copy' };
  return (
    <button type="button" class="small" onClick={() => void copy()}>
      <span aria-live="polite">{outcome ? shown[outcome] : name}</span>
    </button>
  );
}

export function CodeLine({ text }: { text: string }) {
  return (
    <div class="code-line">
      <code>{text}</code>
      <CopyButton text={text} />
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Fault({ message, retry }: { message: string; retry?: () => void }) {
  return (
    <div class="fault" role="alert">
      <span>{message}</span>
      {retry && (
        <button type="button" class="small" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <p class="loading" role="status">
      Loading {what}…
    </p>
  );
}

export function Heading({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="heading">
      <h1>{title}</h1>
      {children}
    </div>
  );
}

/** In a <dl>. */
export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>
        <bdi>{name}</bdi>
      </dt>
      <dd>{children}</dd>
    </div>
  );
}
