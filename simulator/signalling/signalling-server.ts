// The WebSocket server for the provider's browser SDK: JSON-RPC 2.0 at /v3/, one connection per client.
// It only tracks connections, not media: session descriptions are accepted and answered with empty ones.
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { DeviceTokens } from '../provider/device-tokens.js';
import type { Participant } from '../provider/participants.js';
import type { Provider } from '../provider/provider.js';
import type { Socket } from '../provider/socket.js';
import type { RequestGuard } from '../request-guard.js';
import { type Call, errorReply, parseCall, resultReply } from './json-rpc.js';

const PATHS = /^\/v3\/?$/;
const MAX_MESSAGE_BYTES = 256 * 1024;
/** A client closes its socket after a leave; if it does not, the server closes it. */
const CLOSE_AFTER_LEAVE_MS = 1_000;
/** RFC 6455, 7.4.1. */
const NORMAL_CLOSURE = 1000;

export class SignallingServer {
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });

  /** A client that has not answered a ping by the next one is lost: it is detected after one to two intervals. */
  constructor(
    private readonly provider: Provider,
    private readonly tokens: DeviceTokens,
    private readonly pingIntervalMs: number,
  ) {}

  listen(http: Server, guard: RequestGuard): void {
    http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      const refusal = guard.refusalOf(request);
      if (refusal) refuse(socket, refusal.status, refusal.message);
      else void this.#accept(request, socket, head);
    });
  }

  async #accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const address = `ws://simulator${request.url}`;
    if (!URL.canParse(address)) return refuse(socket, 400);
    const { pathname, searchParams } = new URL(address);
    if (!PATHS.test(pathname)) return refuse(socket, 404);
    const participantId = await this.tokens.read(searchParams.get('token') ?? '');
    const participant = participantId === undefined ? undefined : this.provider.participants.find(participantId);
    if (!participant) return refuse(socket, 403);
    const deviceId = searchParams.get('uniqueId');
    if (!deviceId) return refuse(socket, 400);
    this.#server.handleUpgrade(request, socket, head, (client) => this.#serve(client, participant, deviceId));
  }

  #serve(client: WebSocket, participant: Participant, deviceId: string): void {
    const socket = this.provider.connect(participant, deviceId, (isGraceful) =>
      isGraceful ? client.close(NORMAL_CLOSURE) : client.terminate(),
    );
    this.#watch(client);
    // An error is always followed by close.
    client.on('error', () => {});
    client.on('close', () => socket.closed());
    client.on('message', (message: Buffer) => {
      const call = parseCall(message.toString());
      if (typeof call === 'string') return client.send(errorReply(null, call));
      if (call.method === 'leave') leave(client, socket);
      const reply = answer(call);
      if (reply !== undefined) client.send(reply);
    });
  }

  /** A failed network is detected only by an unanswered ping. */
  #watch(client: WebSocket): void {
    let isAlive = true;
    client.on('pong', () => {
      isAlive = true;
    });
    const timer = setInterval(() => {
      if (!isAlive) return client.terminate();
      isAlive = false;
      client.ping();
    }, this.pingIntervalMs).unref();
    client.on('close', () => clearInterval(timer));
  }
}

function leave(client: WebSocket, socket: Socket): void {
  socket.leave();
  setTimeout(() => client.close(NORMAL_CLOSURE), CLOSE_AFTER_LEAVE_MS).unref();
}

/** A notification has no id and gets no answer. */
function answer({ id, method }: Call): string | undefined {
  if (id === undefined) return undefined;
  switch (method) {
    case 'setMediaPreferences':
    case 'ping':
    case 'answerSdp':
    case 'leave':
      return resultReply(id, {});
    case 'offerSdp':
      return resultReply(id, { sdpAnswer: '', endpointId: '', streamMetadata: {} });
    default:
      return errorReply(id, 'method');
  }
}

function refuse(socket: Duplex, status: 400 | 403 | 404, message = ''): void {
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: text/plain`;
  socket.end(`${head}\r\ncontent-length: ${Buffer.byteLength(message)}\r\n\r\n${message}`);
}
