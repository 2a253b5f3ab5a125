// Bandwidth describes the callbacks of BRTC in two ways, and which of them it sends is not certain: the examples of its
// documentation have an `event` and epoch milliseconds, its OpenAPI document has an `eventType` and RFC 3339 times.
// Sources: https://dev.bandwidth.com/docs/brtc/webhooks, and bandwidth.yml in the npm package bandwidth-sdk 8.1.4.
import { parseRfc3339 } from '../../runtime/rfc3339.js';
import { isJsonObject } from '../json-callback.js';
import { timestampFault } from '../timestamp.js';

type Json = Readonly<Record<string, unknown>>;

export type BrtcMeaning = 'connected' | 'disconnected' | 'available' | 'busy' | 'ignored';

/** One member of a body. `name`: of a nested one, like `device/deviceId`. `fault`: phrased to follow the name. */
interface Member {
  readonly name: string;
  readonly value: unknown;
  readonly fault?: string | undefined;
}

export interface BrtcShape {
  /** The member that has the name of the event. */
  readonly nameMember: 'event' | 'eventType';
  readonly meanings: ReadonlyMap<unknown, BrtcMeaning>;
  /** The device may be missing; whether it has to be there depends on the event. */
  device(body: Json): Member;
  time(body: Json): Member & { readonly timeMs: number; readonly precisionMs: 1 | 1000 };
  tag(body: Json): Member;
}

const documented: BrtcShape = {
  nameMember: 'event',
  meanings: new Map<unknown, BrtcMeaning>([
    ['endpointConnected', 'connected'],
    ['endpointDisconnected', 'disconnected'],
    ['endpointEligible', 'available'],
    ['endpointIneligible', 'busy'],
    ['outboundConnectionRequest', 'ignored'],
    ['connectStatus', 'ignored'],
  ]),
  device: ({ deviceId }) => ({ name: 'deviceId', value: deviceId }),
  time({ timestamp }) {
    const time = { name: 'timestamp', value: timestamp, fault: timestampFault(timestamp) };
    return { ...time, timeMs: Number(timestamp), precisionMs: 1 };
  },
  tag: ({ tags }) => ({ name: 'tags', value: tags }),
};

const openApi: BrtcShape = {
  nameMember: 'eventType',
  meanings: new Map<unknown, BrtcMeaning>([
    ['DEVICE_CONNECTED', 'connected'],
    ['DEVICE_DISCONNECTED', 'disconnected'],
  ]),
  device({ device }) {
    if (isJsonObject(device)) return { name: 'device/deviceId', value: device.deviceId };
    const isMissing = device === undefined || device === null;
    return { name: 'device', value: undefined, fault: isMissing ? undefined : 'must be an object' };
  },
  time({ eventTime }) {
    const text = typeof eventTime === 'string' ? eventTime : '';
    const timeMs = parseRfc3339(text) ?? Number.NaN;
    const isMissing = eventTime === undefined || eventTime === null;
    const fault = `${isMissing ? 'is missing' : 'is not valid'}; expected a time like "2026-11-23T09:30:00.000Z"`;
    // Without a fraction it is not certain that the milliseconds are 0.
    const precisionMs = text.includes('.') ? 1 : 1_000;
    return { name: 'eventTime', value: eventTime, fault: timestampFault(timeMs) && fault, timeMs, precisionMs };
  },
  tag: ({ tag }) => ({ name: 'tag', value: tag }),
};

/** A body that has both names is of the first shape. */
export const SHAPES = [documented, openApi] as const;

/**
 * Callbacks of Bandwidth's Voice API, whose URLs are often those of BRTC, and the status of a <Connect> verb, whatever its
 * event is called.
 */
export function isAboutCall({ status, fromType, eventType, callId, conferenceId }: Json): boolean {
  const isText = (value: unknown) => typeof value === 'string';
  return (isText(status) && isText(fromType)) || (isText(eventType) && (isText(callId) || isText(conferenceId)));
}
