// A stand-in for the HTTPS servers of Amazon SNS. As long as it runs, all requests that this process sends with node:https arrive here,
// whatever their host, so that the code under test and the official library use their real addresses.
import { spawnSync } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https, { type AgentOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { closeOnce } from '../leftovers.js';

const HOST = 'sns.us-east-1.amazonaws.com';

type Respond = (response: ServerResponse, request: IncomingMessage) => void;

export class SnsServer {
  /** The URLs that were requested. */
  readonly requested: string[] = [];
  /** Decides about the responses. */
  respond: Respond = (response) => response.writeHead(404).end();

  static async start(): Promise<SnsServer> {
    const server = new SnsServer();
    const pem = selfSigned();
    const listening = https.createServer({ key: pem, cert: pem }, (request, response) => {
      server.requested.push(`https://${request.headers.host}${request.url}`);
      server.respond(response, request);
    });
    await new Promise<void>((resolve) => {
      listening.listen(0, '127.0.0.1', resolve);
    });
    const original = https.globalAgent;
    const agent = new LoopbackAgent({ ca: pem, port: (listening.address() as AddressInfo).port });
    Object.assign(https, { globalAgent: agent });
    server.stop = closeOnce(async () => {
      Object.assign(https, { globalAgent: original });
      agent.destroy();
      listening.closeAllConnections();
      await new Promise((resolve) => {
        listening.close(resolve);
      });
    });
    return server;
  }

  stop: () => Promise<void> = async () => {};

  /** Answers requests for a certificate with this one. */
  serve(pem: string): void {
    this.respond = (response) => response.end(pem);
  }
}

/** Connects to a port of this machine. TLS still checks the name of the host. */
class LoopbackAgent extends https.Agent {
  readonly #port: number;

  constructor({ port, ...options }: AgentOptions & { readonly port: number }) {
    super(options);
    this.#port = port;
  }

  override createConnection(options: object, done?: (error: Error | null, stream: Duplex) => void) {
    return super.createConnection({ ...options, host: '127.0.0.1', port: this.#port }, done);
  }
}

/** A private key and its certificate. */
function selfSigned(): string {
  const subject = ['-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST}`];
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', '-', '-out', '-', '-days', '2'];
  const { status, stdout, stderr } = spawnSync('openssl', ['req', '-x509', ...key, ...subject], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl failed: ${stderr}`);
  return stdout;
}
