// Almost valid requests: a real one with bytes inserted, removed, replaced or repeated, or in another encoding.
import { connect } from 'node:net';

const ID = '473f6544-92f7-4d67-9e77-bf2533cfff6d';

/** Of each dialect. */
export const CALLBACKS: Readonly<Record<string, readonly [object, ...object[]]>> = {
  bandwidth: [{ event: 'onConnect', timestamp: '1628786234676', participantId: ID, deviceId: 'd1', tag: 'calls' }],
  brtc: [
    { event: 'endpointConnected', timestamp: 1_628_786_234_676, endpointId: ID, deviceId: 'd1', tags: '{"calls": 1}' },
    {
      eventType: 'DEVICE_DISCONNECTED',
      eventTime: '2026-09-21T14:14:22Z',
      endpointId: ID,
      device: { deviceId: 'd1', status: 'DISCONNECTED' },
      tag: 'calls',
    },
  ],
  hms: [
    {
      id: 'e1',
      type: 'peer.join.success',
      data: { room_id: 'calls', user_id: ID, peer_id: 'd1', joined_at: '2026-09-21T14:13:21.437120393Z' },
    },
    {
      id: 'e2',
      type: 'peer.leave.success',
      data: {
        room_id: 'calls',
        user_id: ID,
        peer_id: 'd1',
        joined_at: '2026-09-21T14:13:21.437120393Z',
        left_at: '2026-09-21T14:14:21.655Z',
        reason: 'client request',
      },
    },
  ],
  'chime-eventbridge': [
    {
      id: 'e1',
      'detail-type': 'Chime Meeting State Change',
      time: '2026-09-21T14:13:21Z',
      detail: {
        eventType: 'chime:AttendeeJoined',
        timestamp: 1_790_000_001_234,
        externalMeetingId: 'calls',
        attendeeId: 'd1',
        externalUserId: ID,
      },
    },
    {
      id: 'e2',
      'detail-type': 'Chime Meeting State Change',
      detail: { eventType: 'chime:MeetingEnded', timestamp: 1_790_000_401, externalMeetingId: 'calls' },
    },
  ],
  jitsi: [
    {
      event_name: 'muc-occupant-joined',
      room_name: 'calls',
      occupant: { occupant_jid: 'a@meet.example.org/b', id: ID, joined_at: 1_790_000_001 },
    },
    {
      event_name: 'muc-room-destroyed',
      room_name: 'calls',
      breakout_room_id: 'b1',
      destroyed_at: 1_790_000_401,
      all_occupants: [
        { occupant_jid: 'a@meet.example.org/b', id: ID, joined_at: 1_790_000_001, left_at: 1_790_000_061 },
      ],
    },
  ],
};

type Seed = [method: string, target: string, headers: string[], body: string];

function seeds(secret: string, key: string): Seed[] {
  const json = 'content-type: application/json';
  const bearer = `authorization: Bearer ${key}`;
  const callbacks = Object.entries(CALLBACKS).flatMap(([dialect, bodies]): Seed[] => {
    const basic = `authorization: Basic ${btoa(`a:${secret}`)}`;
    const atSecretUrl = bodies.map(
      (body): Seed => ['POST', `/callbacks/${dialect}/${secret}`, [json], JSON.stringify(body)],
    );
    return [...atSecretUrl, ['POST', `/callbacks/${dialect}`, [json, basic], JSON.stringify(bodies[0])]];
  });
  return [
    ...callbacks,
    ['POST', '/v1/participants/lookup', [json, bearer], JSON.stringify({ participantIds: [ID, 'a'] })],
    [
      'POST',
      '/v1/callback-urls',
      [json, bearer],
      JSON.stringify({ source: 'bandwidth', tag: 'calls', expiresInSeconds: 60 }),
    ],
    ['GET', `/v1/participants/${ID}`, [bearer, 'if-none-match: "x"'], ''],
    ['GET', '/v1/participants?state=connected,gone&tag=calls&limit=10', [bearer], ''],
    ['GET', '/v1/changes?after=000000000000.1&limit=5&types=participant.gone', [bearer], ''],
    ['GET', '/v1/changes/stream?after=000000000000.1', [bearer, 'last-event-id: 000000000000.1'], ''],
    ['GET', '/v1/tags?limit=3', [bearer], ''],
    ['GET', '/v1/quarantine?reason=unknown-event&since=2026-11-23T09:00:00Z&limit=3', [bearer], ''],
    ['DELETE', '/v1/quarantine?source=nobody&until=2026-11-23T09:00:00Z', [bearer], ''],
    ['POST', '/v1/quarantine/019ac0f3b2c1-9f86d081884c7d65/replay', [json, bearer], '{}'],
    ['POST', '/v1/quarantine/replay', [json, bearer], JSON.stringify({ source: 'bandwidth', reason: 'unknown-event' })],
    ['GET', '/health/ready', [], ''],
    ['GET', '/docs', [], ''],
  ];
}

const NASTY = [
  '\0',
  '\r\n',
  '%00',
  '%zz',
  '%2F',
  '..',
  '{',
  '[',
  '"',
  '\\u0000',
  '\\ud800',
  '1e999',
  '-1',
  'null',
  '__proto__',
  'constructor',
  '\u202e',
  '😀',
  '\xff\xfe',
  '{0}',
  '*',
  '()',
  '$gt',
  '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[',
  'A'.repeat(300),
  'A'.repeat(20_000),
  'transfer-encoding: chunked\r\n',
  'content-length: 5\r\n',
  'content-encoding: gzip\r\n',
  'expect: 100-continue\r\n',
  'content-type: text/plain\r\n',
  'connection: upgrade\r\nupgrade: websocket\r\n',
];

/** The raw bytes of a request; the same for the same random numbers. `random` returns numbers from 0 to below 1. */
export function mutatedRequest(random: () => number, secret: string, key: string): Buffer {
  const [method, target, headers, body] = pick(seeds(secret, key), random);
  const parts = { method, target, headers: headers.join('\r\n'), body };
  for (let rounds = 1 + Math.floor(random() * 3); rounds > 0; rounds -= 1) {
    const part = pick(['target', 'target', 'body', 'body', 'body', 'body', 'headers', 'method'] as const, random);
    parts[part] = mutated(parts[part], random);
  }
  const encoding = random() < 0.1 ? 'latin1' : random() < 0.1 ? 'utf16le' : 'utf8';
  const bytes = Buffer.from(parts.body, encoding);
  // Most have the right Content-Length, some a wrong one.
  const length = bytes.length + (random() < 0.05 ? Math.floor(random() * 10) - 5 : 0);
  const lines = [`${parts.method} ${parts.target} HTTP/1.1`, 'host: x', 'connection: close', parts.headers];
  if (bytes.length > 0) lines.push(`content-length: ${Math.max(0, length)}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'utf8'), bytes]);
}

function pick<T>(from: readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)] as T;
}

/** The text with one change. */
export function mutated(text: string, random: () => number): string {
  const at = Math.floor(random() * (text.length + 1));
  const length = Math.floor(random() * 8);
  switch (Math.floor(random() * 5)) {
    case 0:
      return text.slice(0, at) + pick(NASTY, random) + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(at + length);
    case 2:
      return text.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + text.slice(at + 1);
    case 3:
      return text + text.slice(at);
    default:
      return text.slice(0, at) + pick(NASTY, random) + text.slice(at + length);
  }
}

/** mulberry32: small, and the same on every machine. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Resolves with the status of each response; empty if the connection was closed without one. */
export function exchange(port: number, bytes: Buffer): Promise<number[]> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const end = () => {
      socket.destroy();
      resolve([...text.matchAll(/(?:^|\r\n\r\n|\})HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status)));
    };
    socket.on('data', (chunk) => {
      text += String(chunk);
      // A stream does not end by itself. A request shorter than its Content-Length ends by the service's timeout.
      if (text.includes('event: ')) end();
    });
    socket.on('error', () => {});
    socket.on('close', end);
    // The connection stays open, since a client that closes it gets no response.
    socket.write(bytes);
  });
}
