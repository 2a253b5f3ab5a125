// A list of rows of one height that may be very long: only those within the window, and some around it, are in the page.
import type { ComponentChild, RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

const NARROW = matchMedia('(max-width: 719px)');
/** As in styles/presence.css. */
const ROW_HEIGHT = { narrow: 58, wide: 40 };
const AROUND = 8;

interface VirtualRowsProps<T> {
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  readonly render: (row: T, index: number) => ComponentChild;
  readonly class?: string;
}

export function VirtualRows<T>({ rows, keyOf, render, class: className = '' }: VirtualRowsProps<T>) {
  const container = useRef<HTMLDivElement>(null);
  const height = useRowHeight();
  const { first, last } = useVisible(container, height, rows.length);
  const visible = rows.slice(first, last);
  return (
    <div
      ref={container}
      role="rowgroup"
      class={`rows ${className}`}
      style={{ height: `${rows.length * height}px` }}
      onKeyDown={(event) => moveFocus(event, container.current, height)}
    >
      {visible.map((row, n) => (
        <div
          key={keyOf(row)}
          role="row"
          class="row"
          aria-rowindex={first + n + 1}
          style={{ height: `${height}px`, transform: `translateY(${(first + n) * height}px)` }}
        >
          {render(row, first + n)}
        </div>
      ))}
    </div>
  );
}

function useRowHeight(): number {
  const [isNarrow, setNarrow] = useState(NARROW.matches);
  useEffect(() => {
    const change = () => setNarrow(NARROW.matches);
    NARROW.addEventListener('change', change);
    return () => NARROW.removeEventListener('change', change);
  }, []);
  return isNarrow ? ROW_HEIGHT.narrow : ROW_HEIGHT.wide;
}

function useVisible(container: RefObject<HTMLElement | null>, height: number, count: number) {
  const [range, setRange] = useState({ first: 0, last: 40 });
  useLayoutEffect(() => {
    let frame = 0;
    const measure = () => {
      frame = 0;
      if (!container.current) return;
      const { top } = container.current.getBoundingClientRect();
      const first = Math.max(Math.floor(-top / height) - AROUND, 0);
      const last = Math.ceil((innerHeight - top) / height) + AROUND;
      setRange((range) => (range.first === first && range.last === last ? range : { first, last }));
    };
    const later = () => {
      frame ||= requestAnimationFrame(measure);
    };
    measure();
    addEventListener('scroll', later, { passive: true });
    addEventListener('resize', later);
    const observer = new ResizeObserver(later);
    observer.observe(document.body);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener('scroll', later);
      removeEventListener('resize', later);
      observer.disconnect();
    };
  }, [container, height, count]);
  return range;
}

/** The arrow keys move from row to row, also to rows that are not in the page yet. */
function moveFocus(event: KeyboardEvent, container: HTMLElement | null, height: number): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  const row = event.target instanceof Element ? event.target.closest('[role=row]') : null;
  if (step === 0 || !row || !container) return;
  event.preventDefault();
  const index = Number(row.getAttribute('aria-rowindex')) + step;
  const next = container.querySelector(`[aria-rowindex="${index}"]`)?.querySelector<HTMLElement>('a, button');
  next?.focus({ preventScroll: true });
  const { top } = container.getBoundingClientRect();
  const y = top + (index - 1) * height;
  if (y < 2 * height) scrollBy(0, y - 2 * height);
  else if (y > innerHeight - 2 * height) scrollBy(0, y - innerHeight + 2 * height);
}
