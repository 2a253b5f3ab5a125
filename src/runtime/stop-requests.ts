// Importing this module registers the signal handlers, so that stop requests are received from the start: PID 1, as in a
// container, ignores signals that it has no handler for. Requests that arrive before a handler is set are queued.

/** `disconnect`: the primary of this worker has exited. */
export type StopReason = 'SIGINT' | 'SIGTERM' | 'disconnect';

const pending: StopReason[] = [];
let handle = (reason: StopReason): void => void pending.push(reason);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => requestStop(signal));

export function requestStop(reason: StopReason): void {
  handle(reason);
}

/** `handler` receives the queued requests and every later one; it replaces the previous handler. */
export function onStopRequest(handler: (reason: StopReason) => void): void {
  handle = handler;
  for (const reason of pending.splice(0)) handler(reason);
}
