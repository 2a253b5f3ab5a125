import { post, repeat } from '../requests.mjs';

const FILLING = 'x'.repeat(12_000);

/** Kept for different reasons, and answered with this status. */
const BODIES = [
  [202, (id) => ({ event: `unknown-${id}`, participantId: id, filling: FILLING })],
  [400, (id) => ({ event: 'onConnect', timestamp: 'never', participantId: id, filling: FILLING })],
  [400, (id) => `{"event": "${id}", ${FILLING}`],
];

export const quarantined = {
  name: 'quarantined',
  purpose: 'callbacks through a leaked secret that are not understood and quarantined, more than QUARANTINE_MAX_BYTES',
  seconds: 5,
  run: ({ traffic, target, random, fault }) =>
    repeat(traffic, {
      connections: 8,
      perSecond: 400,
      request: (n) => post(target.leakedPath, BODIES[n % BODIES.length][1](`${n}-${random()}`)),
      onAnswer: (answer, n) => {
        const [expected] = BODIES[n % BODIES.length];
        const status = answer.slice(9, 12);
        if (![String(expected), '429', '503'].includes(status)) fault(`${status} instead of ${expected}`);
      },
    }),
};
