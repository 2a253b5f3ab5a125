// Requests to stop, received from the first moment: importing this registers the signal handlers. A process that is PID 1,
// as in a container, ignores a signal that it has no handler for. A request that comes before anybody can act on it waits.

/** `disconnect`: in a worker, its primary has gone. */
export type StopReason = 'SIGINT' | 'SIGTERM' | 'disconnect';

const waiting: StopReason[] = [];
let act = (reason: StopReason): void => void waiting.push(reason);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => requestStop(signal));

export function requestStop(reason: StopReason): void {
  act(reason);
}

/** `next` gets every request from now on, and those that wait; it replaces the one before. */
export function onStopRequest(next: (reason: StopReason) => void): void {
  act = next;
  for (const reason of waiting.splice(0)) next(reason);
}
