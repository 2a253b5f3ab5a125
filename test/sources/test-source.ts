// A source that uses every feature: whole seconds, event ids, rooms, signatures over the raw body and a handshake.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { DeviceId, ProviderEventKind } from '../../src/domain/lifecycle-event.js';
import type { ParticipantId } from '../../src/domain/subject.js';
import type { Dialect, RawCallback, Translation } from '../../src/sources/source.js';

const SIGNING_KEY = 'signing-key-of-the-test-source';

class TestCallback {}

export const sign = (body: string | Buffer) => createHmac('sha256', SIGNING_KEY).update(body).digest('hex');

function isSigned({ headers, body }: RawCallback): boolean {
  const actual = Buffer.from(String(headers['x-signature'] ?? ''));
  const expected = Buffer.from(sign(body));
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}

export const testDialect: Dialect = {
  title: 'Test source',
  payload: TestCallback,
  contentTypes: ['application/json', 'application/webhook+json'],
  create: (source) => ({
    authenticate: (callback) =>
      isSigned(callback) ? { outcome: 'authentic' } : { outcome: 'rejected', reason: 'wrong-signature' },
    handshake: (body) => ((body as { test?: string }).test ? { status: 200, body: { echo: 'test' } } : undefined),
    translate(body, receivedAtMs): Translation {
      const { id, kind, room, user, connection, second } = body as Record<string, string>;
      if (kind === 'recording') return { outcome: 'ignored' };
      if (!['connected', 'disconnected', 'left'].includes(String(kind)))
        return { outcome: 'unknown', name: String(kind) };
      const subject = { source, scope: String(room), participantId: user as ParticipantId };
      const times = { occurredAtMs: Number(second) * 1_000, receivedAtMs, precisionMs: 1_000 } as const;
      const event = { subject, deviceId: connection as DeviceId, kind: kind as ProviderEventKind, eventId: String(id) };
      return { outcome: 'events', events: [{ ...event, ...times, tag: String(room) }] };
    },
  }),
};
