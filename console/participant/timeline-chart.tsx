import { useEffect, useRef, useState } from 'preact/hooks';
import { causeText } from '../components/change-list.js';
import { dateTimeText, durationText, timeText } from '../text.js';
import { type Bar, type Lane, type Timeline, ticksOf } from './timeline.js';

const LANE_HEIGHT = 44;
const AXIS_HEIGHT = 26;
const MIN_BAR = 3;
const ZOOMS = [
  ['All', Number.POSITIVE_INFINITY],
  ['24 h', 86_400_000],
  ['1 h', 3_600_000],
  ['10 min', 600_000],
  ['1 min', 60_000],
] as const;

export function TimelineChart({ timeline }: { timeline: Timeline }) {
  const [zoomMs, setZoomMs] = useState<number>(Number.POSITIVE_INFINITY);
  const [width, setWidth] = useState(0);
  const container = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = container.current as HTMLDivElement;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const wholeMs = Math.max(timeline.toMs - timeline.fromMs, 1_000);
  const fromMs = timeline.toMs - Math.min(wholeMs, zoomMs);
  const scale = (atMs: number) => ((atMs - fromMs) / (timeline.toMs - fromMs)) * width;
  const height = timeline.lanes.length * LANE_HEIGHT + AXIS_HEIGHT;
  return (
    <>
      <div class="panel-head">
        <h2>Timeline</h2>
        <div class="segments" role="group" aria-label="Time span of the timeline">
          {ZOOMS.filter(([, ms]) => ms === Number.POSITIVE_INFINITY || ms < wholeMs).map(([name, ms]) => (
            <button key={name} type="button" aria-pressed={ms === zoomMs} onClick={() => setZoomMs(ms)}>
              {name}
            </button>
          ))}
        </div>
      </div>
      <div ref={container} class="timeline">
        <svg width={width} height={height} role="img" aria-label={labelOf(timeline)}>
          <Axis fromMs={fromMs} toMs={timeline.toMs} scale={scale} height={height} width={width} />
          {timeline.lanes.map((lane, n) => (
            <LaneBars key={lane.deviceId} lane={lane} y={n * LANE_HEIGHT} scale={scale} width={width} />
          ))}
        </svg>
      </div>
      <p class="legend muted">
        <span class="key key-connected" /> connected <span class="key key-reconnecting" /> interrupted: lost, and waited
        for
      </p>
    </>
  );
}

interface AxisProps {
  readonly fromMs: number;
  readonly toMs: number;
  readonly scale: (atMs: number) => number;
  readonly height: number;
  readonly width: number;
}

function Axis({ fromMs, toMs, scale, height, width }: AxisProps) {
  const isLong = toMs - fromMs > 2 * 86_400_000;
  const text = (atMs: number) => (isLong ? new Date(atMs).toLocaleDateString() : timeText(atMs));
  return (
    <g class="axis">
      {ticksOf(fromMs, toMs, Math.max(Math.floor(width / 110), 2)).map((atMs) => {
        const x = scale(atMs);
        const anchor = x < 40 ? 'start' : x > width - 40 ? 'end' : 'middle';
        return (
          <g key={atMs}>
            <line x1={x} x2={x} y1={0} y2={height - AXIS_HEIGHT + 4} />
            <text x={x} y={height - 8} text-anchor={anchor}>
              {text(atMs)}
            </text>
          </g>
        );
      })}
    </g>
  );
}

interface LaneBarsProps {
  readonly lane: Lane;
  readonly y: number;
  readonly scale: (atMs: number) => number;
  readonly width: number;
}

function LaneBars({ lane, y, scale, width }: LaneBarsProps) {
  return (
    <g>
      <text class="lane-name" x={0} y={y + 13} direction="ltr">
        {shortened(lane.deviceId, Math.max(Math.floor(width / 8), 8))}
      </text>
      {lane.bars.map((bar) => {
        const x = Math.max(scale(bar.fromMs), 0);
        const end = bar.toMs === undefined ? width : scale(bar.toMs);
        if (end < 0) return null;
        return (
          <rect
            key={bar.fromMs}
            class={`bar bar-${bar.state}`}
            x={Math.min(x, width - MIN_BAR)}
            y={y + 19}
            width={Math.max(end - x, MIN_BAR)}
            height={16}
            rx={3}
          >
            <title>{barText(bar)}</title>
          </rect>
        );
      })}
    </g>
  );
}

function barText({ state, fromMs, toMs, cause }: Bar): string {
  const name = state === 'connected' ? 'Connected' : 'Interrupted';
  if (toMs === undefined) return `${name} since ${dateTimeText(fromMs)}`;
  const end = cause === undefined ? '' : `; ${causeText(cause)}`;
  return `${name} for ${durationText(toMs - fromMs)}, ${dateTimeText(fromMs)} to ${dateTimeText(toMs)}${end}`;
}

function labelOf({ lanes }: Timeline): string {
  return lanes.map(({ deviceId, bars }) => `Device ${deviceId}: ${bars.map(barText).join('. ')}`).join('. ');
}

function shortened(text: string, length: number): string {
  const letters = Array.from(text);
  return letters.length <= length ? text : `${letters.slice(0, length - 1).join('')}…`;
}
