// A source that uses what test-source.ts does not: settings, a form, a signature over the URL that takes a while to check, an
// acknowledgement of its own, events of availability, and events that do not name a device, or a participant.
import { createHmac } from 'node:crypto';
import type { DeviceId } from '../../src/domain/lifecycle-event.js';
import type { ParticipantId } from '../../src/domain/subject.js';
import { reasonlessEnd } from '../../src/sources/dialect-settings.js';
import { dialectWithSettings, type RawCallback, type Translation } from '../../src/sources/source.js';

class FormCallback {}

export const signUrl = (key: string, url: string, body: string) =>
  createHmac('sha256', key).update(url).update(body).digest('hex');

export const formDialect = dialectWithSettings({
  title: 'Form source',
  payload: FormCallback,
  contentTypes: ['application/x-www-form-urlencoded'],
  policy: { devicesAtOnce: 'one' },
  signsUrl: true,
  endsRooms: true,
  endsDevices: true,
  acknowledgement: { status: 200, body: {} },
  settings: {
    keys: {
      name: 'SOURCE_<NAME>_SIGNING_KEYS',
      purpose: 'Comma-separated signing keys.',
      read(text): readonly string[] {
        if (/^\w{8,}(,\w{8,})*$/.test(text)) return text.split(',');
        throw new Error('must be a comma-separated list of keys of at least 8 characters');
      },
    },
    reasonlessEnd,
  },
  create: (source, { keys, reasonlessEnd: endKind }) => ({
    async authenticate({ headers, body, url = '' }: RawCallback) {
      const isSigned = keys.some((key) => headers['x-signature'] === signUrl(key, url, body.toString()));
      return isSigned ? { outcome: 'authentic' } : { outcome: 'rejected', reason: 'wrong-signature' };
    },
    translate(body, receivedAtMs): Translation {
      const { event, room: scope = '', user, device, at } = body as Record<string, string>;
      const times = { occurredAtMs: Number(at), receivedAtMs, precisionMs: 1 } as const;
      const deviceId = device as DeviceId;
      if (event === 'room-ended') return { outcome: 'events', events: [{ kind: event, source, scope, ...times }] };
      if (event === 'gone') {
        const kind = `device-${endKind}` as const;
        return { outcome: 'events', events: [{ kind, source, scope, deviceId, ...times }] };
      }
      const subject = { source, scope, participantId: user as ParticipantId };
      if (event === 'available' || event === 'busy') {
        return { outcome: 'events', events: [{ kind: event, subject, tag: scope, ...times }] };
      }
      if (event === 'joined') {
        return { outcome: 'events', events: [{ kind: 'connected', subject, deviceId, tag: scope, ...times }] };
      }
      if (event !== 'left') return { outcome: 'unknown', name: String(event) };
      return { outcome: 'events', events: [{ kind: `participant-${endKind}`, subject, ...times }] };
    },
  }),
});
