// Example values for the API document, in the format that a running service returns. The identifiers are from the provider's
// documentation.
import { RULES } from '../../domain/rules.js';

export const PARTICIPANT_ID_EXAMPLE = '473f6544-92f7-4d67-9e77-bf2533cfff6d';
export const DEVICE_ID_EXAMPLE = 'be199214-1a03-402a-a7b6-d002470a0465';
export const UNKNOWN_PARTICIPANT_ID_EXAMPLE = '0b9d7a52-5c5f-4f0e-9a43-6f2f3c1d8e77';
export const PARTICIPANT_REF_EXAMPLE = 'user-4711';
export const LABELS_EXAMPLE = { call: '42', user: 'u-7' };
export const TAG_EXAMPLE = 'hello-world-phone';
export const TIME_EXAMPLE = '2021-08-12T16:37:14.676Z';
export const POSITION_EXAMPLE = '9f3ac21b77d0.1795434306502000';

/** Decodes to the list of participants filtered by the example values except scope and order, after the example participant. */
export const CURSOR_EXAMPLE =
  'WzE2Mjg3ODYyMzQ2NzYsIjQ3M2Y2NTQ0LTkyZjctNGQ2Ny05ZTc3LWJmMjUzM2NmZmY2ZCIsIjlmM2FjMjFiNzdkMC4xNzk1NDM0MzA2NTAyMDAw' +
  'IiwiY29ubmVjdGVkLHJlY29ubmVjdGluZyBoZWxsby13b3JsZC1waG9uZVtcImJhbmR3aWR0aFwiLG51bGwsXCI0NzNmNjU0NC05MmY3LTRkNjct' +
  'OWU3Ny1iZjI1MzNjZmZmNmRcIix0cnVlLFwiYXZhaWxhYmxlXCJdIl0';

/** Decodes to the tags of the example source, after the example tag. */
export const TAGS_CURSOR_EXAMPLE =
  'WyJoZWxsby13b3JsZC1waG9uZSIsIjlmM2FjMjFiNzdkMC4xNzk1NDM0MzA2NTAyMDAwIiwidGFncyBvZiBiYW5kd2lkdGgiXQ';

/** Decodes to a purge with the example filters, after the example participant. */
export const PURGE_CURSOR_EXAMPLE =
  'WzE2Mjg3ODYyMzQ2NzYsIjQ3M2Y2NTQ0LTkyZjctNGQ2Ny05ZTc3LWJmMjUzM2NmZmY2ZCIsIltcImhlbGxvLXdvcmxkLXBob25lXCIsXCJiYW' +
  '5kd2lkdGhcIixcIjIwMjYtMTEtMjNUMDk6MDA6MDBaXCIsXCIyMDI2LTExLTIzVDA5OjMwOjAwWlwiXSJd';

/** Decodes to the connections with all filters of the examples, newest first, after the example connection. */
export const CONNECTIONS_CURSOR_EXAMPLE =
  'WzE2Mjg3ODYyMzQ2NzYsMSwiW1wibmV3ZXN0XCIse1wicGFydGljaXBhbnRJZFwiOlwiNDczZjY1NDQtOTJmNy00ZDY3LTllNzctYmYyNTMzY2Zm' +
  'ZjZkXCIsXCJkZXZpY2VJZFwiOlwiYmUxOTkyMTQtMWEwMy00MDJhLWE3YjYtZDAwMjQ3MGEwNDY1XCIsXCJ0YWdcIjpcImhlbGxvLXdvcmxkLXBo' +
  'b25lXCIsXCJjYXVzZVwiOlwibGVmdFwiLFwiaXNPcGVuXCI6ZmFsc2UsXCJzb3VyY2VcIjpcImJhbmR3aWR0aFwiLFwiZnJvbU1zXCI6MTYyODc4' +
  'NDAwMDAwMCxcInRvTXNcIjoxNjI4Nzg3NjAwMDAwfV0iXQ';

/** Decodes to who was present at the time of the example, with the example filters except scope, after the example connection. */
export const PAST_PRESENCE_CURSOR_EXAMPLE =
  'WzE2Mjg3ODYyMzQ2NzYsMSwiW1wicHJlc2VuY2VcIiwxNjI4Nzg2NDAwMDAwLHtcInRhZ1wiOlwiaGVsbG8td29ybGQtcGhvbmVcIixcInNvdXJjZV' +
  'wiOlwiYmFuZHdpZHRoXCJ9XSJd';

const AS_OF = '2026-11-23T09:30:00.000Z';
const OCCUPANCY = { connected: 1, reconnecting: 0, devices: 1, available: 1, busy: 0 };

export const PARTICIPANT_EXAMPLE = {
  participantId: PARTICIPANT_ID_EXAMPLE,
  source: 'bandwidth',
  state: 'connected',
  since: TIME_EXAMPLE,
  tag: TAG_EXAMPLE,
  availability: 'available',
  availableSince: TIME_EXAMPLE,
  devices: [
    {
      deviceId: DEVICE_ID_EXAMPLE,
      state: 'connected',
      since: TIME_EXAMPLE,
      connectedAt: TIME_EXAMPLE,
      interruptions: 0,
    },
  ],
  lastEventAt: TIME_EXAMPLE,
  version: 1795434306501,
};

export const PARTICIPANTS_EXAMPLE = { items: [PARTICIPANT_EXAMPLE], position: POSITION_EXAMPLE, asOf: AS_OF };

export const LOOKUP_EXAMPLE = {
  items: [
    PARTICIPANT_EXAMPLE,
    { participantId: UNKNOWN_PARTICIPANT_ID_EXAMPLE, source: 'bandwidth', state: 'unknown' },
  ],
  asOf: AS_OF,
};

export const OCCUPANCY_EXAMPLE = { ...OCCUPANCY, asOf: AS_OF };

export const TAGS_EXAMPLE = { items: [{ tag: TAG_EXAMPLE, ...OCCUPANCY }], position: POSITION_EXAMPLE, asOf: AS_OF };

const EXPIRY = {
  at: '2026-11-23T18:30:00.021Z',
  rule: 'expired',
  meaning: RULES.expired,
  deviceId: DEVICE_ID_EXAMPLE,
};
const [DEVICE_EXAMPLE] = PARTICIPANT_EXAMPLE.devices;

export const EXPLANATION_EXAMPLE = {
  participant: PARTICIPANT_EXAMPLE,
  rule: 'device-connected',
  meaning: RULES['device-connected'],
  devices: [
    {
      steps: [
        {
          rule: 'opened',
          meaning: RULES.opened,
          event: {
            kind: 'connected',
            occurredAt: TIME_EXAMPLE,
            receivedAt: '2026-11-23T09:30:00.020Z',
            delayMs: 166639965344,
            overtakenBy: 0,
          },
          state: 'connected',
        },
      ],
      result: DEVICE_EXAMPLE,
      sockets: 1,
      next: EXPIRY,
    },
  ],
  ends: [],
  availability: [
    {
      rule: 'availability-set',
      meaning: RULES['availability-set'],
      event: {
        kind: 'available',
        occurredAt: TIME_EXAMPLE,
        receivedAt: '2026-11-23T09:30:00.020Z',
        delayMs: 166639965344,
        overtakenBy: 0,
      },
      availability: 'available',
      since: TIME_EXAMPLE,
    },
  ],
  next: EXPIRY,
  policy: {
    graceMs: 15_000,
    leaveGraceMs: 0,
    overlapMs: 60_000,
    maxConnectionMs: 32_400_000,
    devicesAtOnce: 'many',
    socketsPerDevice: 'many',
    clockSkewMs: 5_000,
    retentionMs: 604_800_000,
  },
};
