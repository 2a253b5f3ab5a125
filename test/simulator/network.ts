// The network between a client and the provider: it can be cut so that only the client notices.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { closeOnce } from '../leftovers.js';

export class Network {
  readonly #clients = new Set<Socket>();
  readonly #dead = new Set<Socket>();
  #isCut = false;

  private constructor(private readonly server: Server) {}

  /** To a port of loopback. */
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

  /** The client's connections break; the provider hears nothing more on them, and not that they are broken. */
  break(): void {
    for (const client of this.#clients) client.destroy();
  }

  /** The same, and there are no new connections until it is mended. */
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
    // An end that the client itself makes, in order or not, is passed on; one that the network makes is not.
    client.once('end', () => provider.end());
    client.on('error', () => provider.destroy());
    provider.once('close', () => {
      this.#dead.delete(provider);
      client.destroy();
    });
    client.once('close', () => this.#clients.delete(client));
  }
}
