// Asks BRTC's Endpoints API which endpoints are connected. Its list has no devices; that of one endpoint has.
// Source: bandwidth.yml in the npm package bandwidth-sdk 8.1.4.
import { identifierFault } from '../../domain/identifier.js';
import type { DeviceId } from '../../domain/lifecycle-event.js';
import type { ObservedDevice } from '../../domain/observation.js';
import type { ParticipantId } from '../../domain/subject.js';
import { isJsonObject, type Members, membersOf } from '../json-callback.js';
import type { Finding, ListedParticipant, Observer } from '../observer.js';
import { notUnderstood, ProviderApiError, requestJson } from '../provider-api.js';
import { tagOf } from '../tag.js';
import { type ApiCredentials, Authorization } from './api-authorization.js';

export interface BrtcApi extends ApiCredentials {
  /** Without a path. */
  readonly apiUrl: string;
  readonly accountId: string;
}

/** How old an answer may be is not documented. */
const LAG_MS = 5_000;
const PAGE_SIZE = 1_000;
/** A million endpoints. */
const MAX_PAGES = 1_000;

export class BrtcObserver implements Observer {
  readonly lagMs = LAG_MS;
  readonly #endpointsUrl: string;
  readonly #authorization: Authorization;

  constructor(api: BrtcApi) {
    this.#endpointsUrl = `${api.apiUrl}/v2/accounts/${encodeURIComponent(api.accountId)}/endpoints`;
    this.#authorization = new Authorization(api);
  }

  async *list(signal: AbortSignal): AsyncGenerator<readonly ListedParticipant[]> {
    const query = new URLSearchParams({ status: 'CONNECTED', limit: String(PAGE_SIZE) });
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const { json } = await this.#get(`?${query.toString()}`, signal);
      const { data, links } = membersOf(json);
      if (!Array.isArray(data)) throw notUnderstood('a list of endpoints');
      yield data.map(listedOf);
      const next = nextCursorOf(links);
      if (next === undefined) return;
      if (next === query.get('afterCursor')) throw notUnderstood('the next page of the list of endpoints');
      query.set('afterCursor', next);
    }
    throw new ProviderApiError('not-understood', `the list of endpoints has more than ${MAX_PAGES} pages`);
  }

  async find({ participantId }: { readonly participantId: ParticipantId }, signal: AbortSignal): Promise<Finding> {
    const { status, json } = await this.#get(`/${encodeURIComponent(participantId)}`, signal, [404]);
    const { data, errors } = membersOf(json);
    if (status === 404) {
      // Not that of a proxy, or of a wrong address.
      if (Array.isArray(errors) && errors.length > 0) return { outcome: 'absent' };
      throw notUnderstood('a response with status 404');
    }
    if (!isJsonObject(data) || data.endpointId !== participantId) throw notUnderstood('an endpoint');
    const devices = devicesOf(data);
    if (devices.length > 0) return { outcome: 'present', devices, tag: tagOf(data.tag) };
    return { outcome: data.status === 'DISCONNECTED' ? 'absent' : 'unknown' };
  }

  /** An access token that has just become invalid is replaced once. */
  async #get(path: string, signal: AbortSignal, accepted: readonly number[] = []) {
    const attempt = async () => {
      const authorization = await this.#authorization.header(signal);
      return requestJson(this.#endpointsUrl + path, { headers: { authorization }, accepted, signal });
    };
    try {
      return await attempt();
    } catch (error) {
      const isOutdated = error instanceof ProviderApiError && error.fault === 'unauthorized';
      if (!isOutdated || !this.#authorization.forgetToken()) throw error;
      return attempt();
    }
  }
}

function listedOf(endpoint: unknown): ListedParticipant {
  const { endpointId, tag } = membersOf(endpoint);
  if (identifierFault(endpointId) !== undefined) throw notUnderstood('an endpoint');
  return { scope: '', participantId: endpointId as ParticipantId, tag: tagOf(tag) };
}

function devicesOf({ devices = [] }: Members): ObservedDevice[] {
  if (!Array.isArray(devices)) throw notUnderstood('the devices of an endpoint');
  return devices.map(membersOf).flatMap(({ deviceId, status = 'CONNECTED', creationTimestamp }) => {
    if (identifierFault(deviceId) !== undefined) throw notUnderstood('a device of an endpoint');
    const connectedAtMs = typeof creationTimestamp === 'string' ? Date.parse(creationTimestamp) : Number.NaN;
    const isStartKnown = !Number.isNaN(connectedAtMs);
    return status === 'CONNECTED' ? [{ deviceId: deviceId as DeviceId, ...(isStartKnown && { connectedAtMs }) }] : [];
  });
}

/** Only the cursor of the link is used: credentials go to no other address. */
function nextCursorOf(links: unknown): string | undefined {
  const next = Array.isArray(links) ? links.map(membersOf).find(({ rel }) => rel === 'next') : undefined;
  if (!next) return undefined;
  const href = String(next.href);
  const cursor = URL.canParse(href) ? new URL(href).searchParams.get('afterCursor') : null;
  if (cursor === null) throw notUnderstood('the link to the next page');
  return cursor;
}
