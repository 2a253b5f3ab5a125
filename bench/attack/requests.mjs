// How attacks send requests. Requests are raw text, since HTTP clients would not send most of them.

const JSON_TYPE = { 'content-type': 'application/json' };

export function get(path, headers = {}) {
  return `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${linesOf(headers)}\r\n`;
}

export function post(path, body, headers = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return head(path, { 'content-length': Buffer.byteLength(text), ...headers }) + text;
}

/** The head of a POST request. */
export function head(path, headers) {
  return `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${linesOf({ ...JSON_TYPE, ...headers })}\r\n`;
}

export function bearer(key) {
  return { authorization: `Bearer ${key}` };
}

function linesOf(headers) {
  return Object.entries(headers).reduce((text, [name, value]) => `${text}${name}: ${value}\r\n`, '');
}

/** Sends requests one at a time on each connection, up to `perSecond` in total, `burst` of them at once. */
export async function repeat(traffic, { connections, perSecond, burst = 1, request, onAnswer = () => {} }) {
  const startMs = performance.now();
  let next = 0;
  const repeatOnOne = async () => {
    let socket;
    while (!traffic.isOver) {
      const n = next++;
      await traffic.wait(startMs + ((n - (n % burst)) * 1_000) / perSecond - performance.now());
      if (!socket?.writable) socket = traffic.open();
      if (!socket) return;
      const answer = await exchange(socket, request(n));
      if (answer !== undefined) onAnswer(answer, n);
    }
  };
  await Promise.all(Array.from({ length: connections }, repeatOnOne));
}

/** Resolves with the response; undefined if the connection closes first. */
function exchange(socket, request) {
  return new Promise((resolve) => {
    let answer = '';
    const finish = (result) => {
      socket.off('data', read).off('close', close);
      resolve(result);
    };
    const close = () => finish(undefined);
    const read = (chunk) => {
      answer += chunk.latin1Slice();
      const end = answer.indexOf('\r\n\r\n');
      if (end === -1) return;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(answer.slice(0, end + 2))?.[1] ?? 0);
      if (answer.length >= end + 4 + length) finish(answer);
    };
    socket.on('data', read).on('close', close);
    socket.write(request);
  });
}

/** Pipelines many requests on each connection and reads no response. */
export async function pipelineUnread(traffic, { connections, requests, request }) {
  const socketsFull = Array.from({ length: connections }, async () => {
    const socket = traffic.open({ isReading: false });
    for (let n = 0; n < requests && socket && (await traffic.send(socket, request(n))); n += 1);
  });
  await Promise.race([Promise.all(socketsFull), traffic.untilOver()]);
  await traffic.untilOver();
}

/**
 * Keeps a number of connections open, and replaces those that the service closes. `use` is called with each new connection.
 * `openEveryMs`: the interval at which the first ones are opened.
 */
export async function hold(traffic, { connections, openEveryMs = 0, reopenAfterMs = 500, use, ...options }) {
  const holdOne = async (_, index) => {
    await traffic.wait(index * openEveryMs);
    while (!traffic.isOver) {
      const socket = traffic.open(options);
      if (!socket) return;
      const closed = new Promise((resolve) => socket.once('close', resolve));
      await use?.(socket);
      await closed;
      await traffic.wait(reopenAfterMs);
    }
  };
  await Promise.all(Array.from({ length: connections }, holdOne));
}
