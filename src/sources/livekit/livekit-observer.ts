// Asks LiveKit's room service who is in which room. Twirp: each call is a POST of JSON. Unlike webhooks, its responses have members
// in snake_case, and those with the default value as well; servers can be built to respond in camelCase, without defaults.
// Source: livekit_room.proto and livekit_models.proto of https://github.com/livekit/protocol.
import { identifierFault } from '../../domain/identifier.js';
import type { DeviceId } from '../../domain/lifecycle-event.js';
import type { ParticipantId, Subject } from '../../domain/subject.js';
import { signJwt } from '../authentication/json-web-token.js';
import { isJsonObject, type Members, membersOf } from '../json-callback.js';
import type { Finding, ListedParticipant, Observer } from '../observer.js';
import { notUnderstood, requestJson } from '../provider-api.js';
import type { LivekitKey } from './livekit-authentication.js';
import { timeOf } from './livekit-time.js';

export interface LivekitApi {
  readonly apiUrl: string;
  readonly key: LivekitKey;
  readonly ignoredKinds: ReadonlySet<unknown>;
}

/** A read right after a webhook was outdated in 5 to 15 % of cases: https://github.com/livekit/livekit/pull/4373. */
const LAG_MS = 5_000;
const TOKEN_LIFETIME_S = 60;
/** Rooms that are listed at the same time. */
const ROOMS_AT_ONCE = 4;

export class LivekitObserver implements Observer {
  readonly lagMs = LAG_MS;
  readonly #api: LivekitApi;

  constructor(api: LivekitApi) {
    this.#api = api;
  }

  async *list(signal: AbortSignal): AsyncGenerator<readonly ListedParticipant[]> {
    const { rooms } = membersOf((await this.#call('ListRooms', {}, { roomList: true }, signal)).json);
    const names = itemsOf(rooms, 'the list of rooms').map(({ name }) => String(name));
    for (let first = 0; first < names.length; first += ROOMS_AT_ONCE) {
      const pages = await Promise.all(
        names.slice(first, first + ROOMS_AT_ONCE).map((room) => this.#room(room, signal)),
      );
      yield* pages;
    }
  }

  async find({ scope: room, participantId: identity }: Omit<Subject, 'source'>, signal: AbortSignal): Promise<Finding> {
    const { status, json } = await this.#call('GetParticipant', { room, identity }, { roomAdmin: true, room }, signal);
    if (status === 404) return { outcome: 'absent' };
    const participant = membersOf(json);
    if (participant.identity !== identity) throw notUnderstood('a participant');
    const { devices } = this.#listed(room, participant) ?? {};
    return devices ? { outcome: 'present', devices, tag: room } : { outcome: 'unknown' };
  }

  /** A room that has ended meanwhile is not found. */
  async #room(room: string, signal: AbortSignal): Promise<ListedParticipant[]> {
    const { status, json } = await this.#call('ListParticipants', { room }, { roomAdmin: true, room }, signal);
    if (status === 404) return [];
    const { participants } = membersOf(json);
    return itemsOf(participants, 'the list of participants').flatMap((one) => this.#listed(room, one) ?? []);
  }

  /** undefined: not one that counts, or with ids that no webhook could have. */
  #listed(room: string, participant: Members): ListedParticipant | undefined {
    // Absent if the server omits defaults.
    const { identity, sid, state = 'JOINING', kind = 'STANDARD' } = participant;
    if (this.#api.ignoredKinds.has(kind) || state === 'DISCONNECTED') return undefined;
    if ([room, identity, sid].some((id) => identifierFault(id) !== undefined)) return undefined;
    const listed = { scope: room, participantId: identity as ParticipantId, tag: room };
    // Webhooks report a participant as joined when it is active; before, nothing is certain.
    if (state !== 'ACTIVE') return listed;
    return { ...listed, devices: [{ deviceId: sid as DeviceId, connectedAtMs: joinMsOf(participant) }] };
  }

  async #call(method: string, body: object, video: object, signal: AbortSignal) {
    const { apiUrl, key } = this.#api;
    const nowS = Math.floor(Date.now() / 1_000);
    const claims = { iss: key.id, nbf: nowS, exp: nowS + TOKEN_LIFETIME_S, video };
    const headers = { authorization: `Bearer ${signJwt(claims, key.secret)}`, 'content-type': 'application/json' };
    const url = `${apiUrl}/twirp/livekit.RoomService/${method}`;
    const init = { method: 'POST', headers, body: JSON.stringify(body), accepted: [404], signal } as const;
    const answer = await requestJson(url, init);
    // Not the 404 of a proxy, or of a wrong address, which Twirp calls bad_route.
    if (answer.status === 404 && membersOf(answer.json).code !== 'not_found')
      throw notUnderstood('a response with status 404');
    if (!isJsonObject(answer.json)) throw notUnderstood('a response');
    return answer;
  }
}

/** undefined: absent, or not valid. */
function joinMsOf({ joined_at_ms, joined_at, joinedAtMs, joinedAt }: Members): number | undefined {
  const joinMs = timeOf(joined_at_ms ?? joinedAtMs, 1) ?? timeOf(joined_at ?? joinedAt, 1_000);
  return Number.isNaN(joinMs) ? undefined : joinMs;
}

/** An empty list is absent if the server omits defaults. */
function itemsOf(items: unknown = [], what: string): Members[] {
  if (!Array.isArray(items)) throw notUnderstood(what);
  return items.map(membersOf);
}
