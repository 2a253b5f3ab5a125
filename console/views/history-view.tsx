import { useEffect, useState } from 'preact/hooks';
import { Chart } from '../chart/chart.js';
import { peaksOf, SPANS, type Span } from '../chart/occupancy.js';
import { SpanChoice } from '../chart/occupancy-panel.js';
import { Empty, Fault, Heading, Loading, Moment } from '../components/basics.js';
import { type Loaded, useLoaded } from '../components/loaded.js';
import { PresenceTable } from '../components/presence-table.js';
import { type NoPast, type Past, presenceAt } from '../history/past.js';
import { serviceNow } from '../presence/connection.js';
import { countText, dateTimeText } from '../text.js';

const CHART_HEIGHT = 132;
/** The slider moves in so many steps. */
const STEPS = 720;
const SETTLE_MS = 120;

export function HistoryView() {
  const [span, setSpan] = useState<Span>(SPANS[0]);
  const [toMs, setToMs] = useState(serviceNow);
  const [atMs, setAtMs] = useState(toMs);
  const settledMs = useSettled(atMs);
  const chart = useLoaded((signal) => peaksOf(span, toMs, signal), [span, toMs]);
  const past = useLoaded((signal) => presenceAt(settledMs, signal), [settledMs]);
  const choose = (one: Span) => {
    const current = serviceNow();
    setSpan(one);
    setToMs(current);
    setAtMs(Math.max(atMs, current - one.ms));
  };
  const stepMs = span.ms / STEPS;
  return (
    <>
      <Heading title="Who was there">
        <SpanChoice chosen={span} choose={choose} />
      </Heading>
      <section class="panel travel" aria-label="Time">
        {chart.fault !== undefined && <Fault message={chart.fault} retry={chart.reload} />}
        <div class="travel-chart">
          <Chart series={chart.value ?? NOTHING} height={CHART_HEIGHT} label={`Peaks of the last ${span.name}`} />
        </div>
        <input
          class="slider"
          type="range"
          aria-label="Time"
          aria-valuetext={dateTimeText(atMs)}
          min={0}
          max={STEPS}
          step={1}
          value={Math.round((atMs - (toMs - span.ms)) / stepMs)}
          onInput={(event) => setAtMs(toMs - span.ms + Number(event.currentTarget.value) * stepMs)}
        />
        <div class="travel-foot">
          <button type="button" class="small" onClick={() => setAtMs(atMs - stepMs)}>
            Earlier
          </button>
          <label class="travel-time">
            <span class="hidden">Date and time</span>
            <input
              type="datetime-local"
              step={1}
              value={localText(atMs)}
              onChange={(event) => {
                const chosen = new Date(event.currentTarget.value).getTime();
                if (Number.isFinite(chosen)) moveTo(chosen);
              }}
            />
          </label>
          <button
            type="button"
            class="small"
            disabled={atMs >= toMs}
            onClick={() => setAtMs(Math.min(atMs + stepMs, toMs))}
          >
            Later
          </button>
        </div>
      </section>
      <PastTable past={past} />
    </>
  );

  function moveTo(chosenMs: number): void {
    const current = serviceNow();
    const at = Math.min(chosenMs, current);
    if (at < toMs - span.ms || at > toMs) setToMs(Math.min(at + span.ms / 2, current));
    setAtMs(at);
  }
}

const NOTHING: [number[], number[]] = [[], []];

function PastTable({ past: { value, fault, reload } }: { past: Loaded<Past | NoPast> }) {
  if (fault !== undefined) return <Fault message={fault} retry={reload} />;
  if (!value) return <Loading what="who was there" />;
  if ('reason' in value) {
    return (
      <Empty title="History does not reach that far">
        <p>{value.reason}.</p>
      </Empty>
    );
  }
  const { list, atMs, isCut, isIncomplete } = value;
  return (
    <>
      <p class="past-summary" role="status">
        <Moment time={atMs} />: {list.size === 0 ? 'nobody' : countText(list.size, 'participant')}
        {isCut && ' and more, which are not shown'}
        {isIncomplete && <span class="note">somebody may be missing: history has a gap, or is behind</span>}
      </p>
      {list.size > 0 ? (
        <PresenceTable list={list} atMs={atMs} />
      ) : (
        <Empty title="Nobody was there">
          <p>Move the slider to a time at which the chart is above zero.</p>
        </Empty>
      )}
    </>
  );
}

/** The value once it has not changed for a moment, so that moving the slider does not ask for each step. */
function useSettled(value: number): number {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/** In the time zone of the browser, as the input wants it. */
function localText(ms: number): string {
  const date = new Date(ms);
  return new Date(ms - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
