// Stands between a client and a server, to make one appear as another: it can change what the server answers, and pass new
// connections to another server, as an address in front of a primary and its replicas does.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class TcpProxy {
  /** How the text of each piece of an answer is changed. */
  rewrite: (text: string) => string = (text) => text;
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    /** Of the server that new connections go to. */
    public targetPort: number,
  ) {
    server.on('connection', (client) => this.#pass(client));
  }

  static async start(targetPort: number): Promise<TcpProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(server, targetPort);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Ends all connections; new ones can be made. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.drop();
    this.server.close();
    await once(this.server, 'close');
  }

  #pass(client: Socket): void {
    const server = connect(this.targetPort, '127.0.0.1');
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (bytes) => server.write(bytes));
    server.on('data', (bytes) => client.write(this.rewrite(bytes.toString('latin1')), 'latin1'));
  }
}
