// The explanation in words: what was received, in the order in which it counts, and what each of it led to.
import type { ExplainedDevice, ExplainedStep } from '../api/types.js';
import { CodeLine, Foreign, Moment, StateBadge } from '../components/basics.js';
import { durationText } from '../text.js';

const EVENT_NAMES: Readonly<Record<string, string>> = {
  connected: 'Connect event',
  disconnected: 'Disconnect event',
  left: 'Leave event',
  'participant-disconnected': 'Disconnect of all devices',
  'participant-left': 'Leave of all devices',
  ended: 'Ended by an operator',
  seen: 'Listed by the provider',
  unseen: 'Not listed by the provider',
};
/** Below, nobody needs to know. */
const NOTABLE_DELAY_MS = 1_000;

export function DeviceSteps({ device }: { device: ExplainedDevice }) {
  const { earlier, steps, result, next } = device;
  const canChange = result.state !== 'gone';
  return (
    <section class="panel" aria-label={`Device ${result.deviceId}`}>
      <div class="panel-head">
        <h3 class="device-name">
          Device <Foreign text={result.deviceId} mono />
        </h3>
        <StateBadge state={result.state} />
      </div>
      <ol class="steps">
        {earlier && (
          <li class="step">
            <Moment time={earlier.upTo} />
            <span>Older events, which are no longer kept one by one, had led to this.</span>
            <StateBadge state={earlier.state} />
          </li>
        )}
        {steps.map((step, n) => (
          <Step key={n} step={step} />
        ))}
      </ol>
      {canChange && (
        <p class="next">
          If nothing is received: <Moment time={next.at} />. {next.meaning}
        </p>
      )}
    </section>
  );
}

function Step({ step }: { step: ExplainedStep }) {
  const { event, supersededBy, dueAt, meaning, rule, state } = step;
  const time = event?.occurredAt ?? supersededBy?.occurredAt ?? dueAt;
  return (
    <li class="step">
      {time === undefined ? <span /> : <Moment time={time} />}
      <span>
        <strong>{nameOf(step)}</strong> {meaning} <code class="rule">{rule}</code>
        {event && <Oddities step={step} />}
      </span>
      {state !== undefined && <StateBadge state={state} />}
    </li>
  );
}

function nameOf({ event, supersededBy }: ExplainedStep): string {
  if (event) return `${EVENT_NAMES[event.kind] ?? event.kind}.`;
  return supersededBy ? 'Newer device.' : 'Time.';
}

function Oddities({ step: { event } }: { step: ExplainedStep }) {
  if (!event) return null;
  const { delayMs, overtakenBy } = event;
  const texts = [
    ...(delayMs >= NOTABLE_DELAY_MS ? [`received ${durationText(delayMs)} after it happened`] : []),
    ...(delayMs <= -NOTABLE_DELAY_MS ? [`dated ${durationText(-delayMs)} ahead of its receipt`] : []),
    ...(overtakenBy > 0 ? [`${overtakenBy} that count later were received earlier`] : []),
  ];
  return texts.length === 0 ? null : <span class="oddity">{texts.join('; ')}</span>;
}

export function RawJson({ value, path }: { value: unknown; path: string }) {
  const text = JSON.stringify(value, null, 2);
  return (
    <details class="panel raw">
      <summary>Raw JSON</summary>
      <CodeLine text={`GET ${path}`} />
      <pre tabIndex={0} aria-label="Raw JSON">
        {text}
      </pre>
    </details>
  );
}
