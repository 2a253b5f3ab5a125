// A TCP proxy that can rewrite the server's replies, and route new connections to another server, like a virtual address in front
// of a primary and its replicas.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class TcpProxy {
  /** Rewrites each chunk of the server's replies. */
  rewrite: (text: string) => string = (text) => text;
  /** Whether the server's replies are passed on byte by byte. */
  isTrickling = false;
  #isCutting = false;
  #isPartitioned = false;
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    /** The port of the server for new connections. */
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

  /** Closes all connections; new ones are still accepted. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Passes nothing on in either direction, as if packets were lost. When that ends, all connections are closed. */
  partition(isPartitioned: boolean): void {
    this.#isPartitioned = isPartitioned;
    if (!isPartitioned) this.drop();
  }

  /** Closes all connections right after the next command has been passed on. */
  cutAfterNextCommand(): void {
    this.#isCutting = true;
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
    client.on('data', (bytes) => {
      if (this.#isPartitioned) return;
      server.write(bytes, () => {
        if (!this.#isCutting) return;
        this.#isCutting = false;
        this.drop();
      });
    });
    server.on('data', (bytes) => {
      if (this.#isPartitioned) return;
      const reply = Buffer.from(this.rewrite(bytes.toString('latin1')), 'latin1');
      if (!this.isTrickling) client.write(reply);
      else for (const byte of reply) client.write(Buffer.of(byte));
    });
  }
}
