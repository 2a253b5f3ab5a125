// The network between a client and the provider: it can fail in a way that only the client notices.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { closeOnce } from '../leftovers.js';

export class Network {
  readonly #clients = new Set<Socket>();
  readonly #dead = new Set<Socket>();
  #isCut = false;

  private constructor(private readonly server: Server) {}

  /** Creates a network to a loopback port. */
  static async to(port: number): Promise<Network> {
    const server = createServer({ allowHalfOpen: true });
    const network = new Network(server);
    closeOnce(() => network.stop());
    server.on('connection', (client) => network.#join(client, port));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return network;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Breaks the client's connections; the provider receives nothing more on them, and does not notice. */
  break(): void {
    for (const client of this.#clients) client.destroy();
  }

  /** Like `break`, and rejects new connections until `mend` is called. */
  cut(): void {
    this.#isCut = true;
    this.break();
  }

  mend(): void {
    this.#isCut = false;
  }

  stop(): void {
    this.break();
    for (const socket of this.#dead) socket.destroy();
    this.server.close();
  }

  #join(client: Socket, port: number): void {
    if (this.#isCut) return void client.destroy();
    const provider = connect(port, '127.0.0.1');
    this.#clients.add(client);
    this.#dead.add(provider);
    provider.on('error', () => {});
    client.pipe(provider, { end: false });
    provider.pipe(client);
    // A close by the client itself, graceful or not, is passed on; one caused by the network is not.
    client.once('end', () => provider.end());
    client.on('error', () => provider.destroy());
    provider.once('close', () => {
      this.#dead.delete(provider);
      client.destroy();
    });
    client.once('close', () => this.#clients.delete(client));
  }
}
