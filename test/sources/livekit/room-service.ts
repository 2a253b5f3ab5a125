// LiveKit's room service as the tests need it: it speaks Twirp, takes its bodies from LiveKit's own protocol package, and verifies the
// tokens with LiveKit's own SDK. Its responses have members in snake_case and default values, unlike webhooks: see
// https://github.com/twitchtv/twirp/blob/main/server_options.go, whose defaults LiveKit uses.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  ListParticipantsRequest,
  ListParticipantsResponse,
  ListRoomsRequest,
  ListRoomsResponse,
  ParticipantInfo,
  ParticipantInfo_State,
  Room,
  RoomParticipantIdentity,
} from '@livekit/protocol';
import { TokenVerifier } from 'livekit-server-sdk';
import { closeOnce } from '../../leftovers.js';

export const KEY = { id: 'APIdemo', secret: 'a-secret-of-more-than-32-characters' };
/** By room. */
type Rooms = Record<string, ParticipantInfo[]>;

export class RoomService {
  rooms: Rooms = {};
  /** Answers in place of the service. */
  fault: { status: number; body: string } | undefined;
  /** `camelCase`: without default values, as servers can be built to respond. */
  spelling: 'snake_case' | 'camelCase' = 'snake_case';
  readonly calls: string[] = [];
  readonly stop = closeOnce(async () => {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  });
  readonly #verifier = new TokenVerifier(KEY.id, KEY.secret);
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { authorization = '' } = request.headers;
    const method = request.url?.replace('/twirp/livekit.RoomService/', '') ?? '';
    this.calls.push(method);
    const { status, body } =
      this.fault ?? (await this.#answer(method, Buffer.concat(chunks).toString(), authorization));
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #answer(method: string, body: string, authorization: string): Promise<{ status: number; body: string }> {
    const { video } = await this.#verifier.verify(authorization.replace('Bearer ', ''));
    const mayAdminister = (room: string) => video?.roomAdmin === true && video.room === room;
    const denied = { status: 403, body: '{"code":"permission_denied","msg":"permissions denied"}' };
    const missing = { status: 404, body: '{"code":"not_found","msg":"requested room or participant does not exist"}' };
    const isAsProto = this.spelling === 'snake_case';
    const options = { useProtoFieldName: isAsProto, emitDefaultValues: isAsProto };
    const ok = (message: Pick<ParticipantInfo, 'toJsonString'>) => ({
      status: 200,
      body: message.toJsonString(options),
    });
    switch (method) {
      case 'ListRooms': {
        ListRoomsRequest.fromJsonString(body);
        if (!video?.roomList) return denied;
        return ok(new ListRoomsResponse({ rooms: Object.keys(this.rooms).map((name) => new Room({ name })) }));
      }
      case 'ListParticipants': {
        const { room } = ListParticipantsRequest.fromJsonString(body);
        if (!mayAdminister(room)) return denied;
        return ok(new ListParticipantsResponse({ participants: this.rooms[room] ?? [] }));
      }
      case 'GetParticipant': {
        const { room, identity } = RoomParticipantIdentity.fromJsonString(body);
        if (!mayAdminister(room)) return denied;
        const found = this.rooms[room]?.find((participant) => participant.identity === identity);
        return found ? ok(found) : missing;
      }
      default:
        return { status: 404, body: '{"code":"bad_route","msg":"no handler for path"}' };
    }
  }
}

export const participant = (identity: string, parts: ConstructorParameters<typeof ParticipantInfo>[0] = {}) =>
  new ParticipantInfo({
    identity,
    sid: `PA_${identity}`,
    state: ParticipantInfo_State.ACTIVE,
    joinedAt: 1_790_000_000n,
    joinedAtMs: 1_790_000_000_250n,
    ...parts,
  });
