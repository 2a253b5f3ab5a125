// What the page knows of its connection to the service. What it shows is live only while this says so.
import { signal } from '@preact/signals';

export type Connection =
  | { readonly kind: 'loading' }
  | { readonly kind: 'live' }
  /** What is shown is as of `sinceMs`, by the clock of the service. */
  | { readonly kind: 'interrupted'; readonly sinceMs: number; readonly reason: string };

export const connection = signal<Connection>({ kind: 'loading' });

/** How far the clock of the service is ahead of that of this machine. */
let clockAheadMs = 0;

export function serviceNow(): number {
  return Date.now() + clockAheadMs;
}

/** `sentMs`: when the request was sent to which the service answered with its time. */
export function learnClock(time: string, sentMs: number): void {
  clockAheadMs = Date.parse(time) - (sentMs + Date.now()) / 2;
}

/** Every second while what is shown is live. */
export const now = signal(Date.now());

export function startTicking(): () => void {
  const tick = () => {
    if (connection.value.kind !== 'interrupted') now.value = serviceNow();
  };
  tick();
  const timer = setInterval(tick, 1_000);
  return () => clearInterval(timer);
}
