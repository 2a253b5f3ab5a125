// A receiver of webhooks that notes when each participant was told of, or never answers.
import { createServer } from 'node:http';

/** `isHanging`: takes requests and does not answer. */
export async function startReceiver({ isHanging = false } = {}) {
  const received = { changes: 0, requests: 0, firstMs: 0, lastMs: 0 };
  const arrivals = new Map();
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    if (isHanging) return;
    response.writeHead(204).end();
    const nowMs = performance.now();
    const { data } = JSON.parse(body);
    received.firstMs ||= nowMs;
    received.lastMs = nowMs;
    received.requests += 1;
    for (const { participantId } of [data].flat()) {
      received.changes += 1;
      arrivals.set(participantId, nowMs);
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}/`, received, arrivals, stop };
}
