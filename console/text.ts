// Times, durations and numbers as text.

const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const DATE_TIME = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const NUMBER = new Intl.NumberFormat();

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

export function numberText(value: number): string {
  return NUMBER.format(value);
}

export function timeText(time: number | string): string {
  return TIME.format(new Date(time));
}

/** With the date if it is not that of today. */
export function momentText(time: number | string): string {
  const date = new Date(time);
  return (date.toDateString() === new Date().toDateString() ? TIME : DATE_TIME).format(date);
}

export function dateTimeText(time: number | string): string {
  return DATE_TIME.format(new Date(time));
}

/** Two units at most, such as `2 h 5 min`. */
export function durationText(ms: number): string {
  const first = UNITS.findIndex(([, size]) => ms >= size);
  if (first === -1) return ms > 0 && ms < 1_000 ? `${Math.round(ms)} ms` : '0 s';
  const [name, size] = UNITS[first] as (typeof UNITS)[number];
  const [smallerName, smallerSize] = UNITS[first + 1] ?? ['', 0];
  const whole = Math.floor(ms / size);
  const rest = smallerSize === 0 ? 0 : Math.floor((ms % size) / smallerSize);
  return `${whole} ${name}${rest > 0 ? ` ${rest} ${smallerName}` : ''}`;
}

export function bytesText(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const kib = bytes / 1_024;
  return kib < 1_024 ? `${kib.toFixed(kib < 10 ? 1 : 0)} KiB` : `${(kib / 1_024).toFixed(kib < 10_240 ? 1 : 0)} MiB`;
}

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : many}`;
}
