// A chart of a number over time, drawn by uPlot.
import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

/** Ascending times in seconds, and a value for each. */
export type Series = [number[], number[]];

interface ChartProps {
  readonly series: Series;
  readonly height: number;
  /** In words, for those who cannot see it. */
  readonly label: string;
}

const DARK = matchMedia('(prefers-color-scheme: dark)');

export function Chart({ series, height, label }: ChartProps) {
  const container = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const newest = useRef(series);
  newest.current = series;
  useEffect(() => {
    const element = container.current as HTMLDivElement;
    const draw = () => {
      chart.current?.destroy();
      chart.current = new uPlot(optionsOf(element, height), newest.current, element);
    };
    draw();
    const observer = new ResizeObserver(() => chart.current?.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    DARK.addEventListener('change', draw);
    return () => {
      DARK.removeEventListener('change', draw);
      observer.disconnect();
      chart.current?.destroy();
    };
  }, [height]);
  useEffect(() => chart.current?.setData(series), [series]);
  return <div ref={container} class="chart" role="img" aria-label={label} />;
}

function optionsOf(element: HTMLElement, height: number): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--muted'),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_chart, _min, max) => [0, Math.max(4, Math.ceil((max ?? 0) * 1.1))] } },
    axes: [
      { ...axis, size: 24, grid: { show: false }, values: '{HH}:{mm}' },
      { ...axis, size: 36, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000], space: 26 },
    ],
    series: [
      {},
      {
        stroke: colour('--accent'),
        fill: colour('--accent-soft'),
        width: 1.5,
        points: { show: false },
        ...(uPlot.paths.stepped && { paths: uPlot.paths.stepped({ align: 1 }) }),
      },
    ],
  };
}
