import { signal } from '@preact/signals';
import { system } from '../api/session.js';
import { Fault } from '../components/basics.js';
import { useLoaded } from '../components/loaded.js';
import { connection, serviceNow } from '../presence/connection.js';
import { samples, shown } from '../presence/live.js';
import { numberText } from '../text.js';
import { Chart, type Series } from './chart.js';
import { endingNow, peaksOf, SPANS, type Span, seriesOf } from './occupancy.js';

const HEIGHT = 128;
const RENEW_MS = 30_000;

const span = signal<Span>(SPANS[0]);

export function OccupancyPanel() {
  const hasHistory = system.value?.history === true;
  return (
    <section class="panel occupancy" aria-label="Occupancy">
      <div class="panel-head">
        <h2>Occupancy</h2>
        {hasHistory ? <SpanChoice chosen={span.value} choose={(one) => (span.value = one)} /> : <SinceOpened />}
      </div>
      {hasHistory ? <FromStatistics /> : <OccupancyChart series={seriesOf(samples.all.value)} />}
    </section>
  );
}

function SinceOpened() {
  return <span class="muted">since this page was opened</span>;
}

export function SpanChoice({ chosen, choose }: { chosen: Span; choose: (span: Span) => void }) {
  return (
    <div class="segments" role="group" aria-label="Time span">
      {SPANS.map((one) => (
        <button key={one.name} type="button" aria-pressed={one === chosen} onClick={() => choose(one)}>
          {one.name}
        </button>
      ))}
    </div>
  );
}

function FromStatistics() {
  const { value: peaks, fault } = useLoaded(
    (signal) => peaksOf(span.value, serviceNow(), signal),
    [span.value],
    RENEW_MS,
  );
  if (fault !== undefined && !peaks) return <Fault message={fault} />;
  return <OccupancyChart series={peaks ?? NOTHING} />;
}

const NOTHING: Series = [[], []];

function OccupancyChart({ series }: { series: Series }) {
  const present = connection.value.kind === 'live' ? shown.value.list.size : undefined;
  const all = endingNow(series, present, serviceNow());
  const peak = Math.max(0, ...all[1]);
  return (
    <Chart
      series={all}
      height={HEIGHT}
      label={`Participants present: ${present === undefined ? '' : `${numberText(present)} now, `}at most ${numberText(peak)}`}
    />
  );
}
