// Assembles the complete simulator, ready to listen: for main.ts and for the tests.
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Customer } from './api/account.guard.js';
import { ApiError, ApiErrorFilter, errorBody, TOKEN_PATH } from './api/api-error.js';
import { hostNameOf } from './host-name.js';
import { DeviceTokens } from './provider/device-tokens.js';
import { Provider } from './provider/provider.js';
import { RequestGuard } from './request-guard.js';
import { SignallingServer } from './signalling/signalling-server.js';
import { SimulatorModule } from './simulator.module.js';
import { CallbackClient, type RetryPolicy } from './webhooks/callback-client.js';
import { CallbackHosts } from './webhooks/callback-hosts.js';
import { Chaos, type ChaosPolicy } from './webhooks/chaos.js';
import type { Product } from './webhooks/webhook-format.js';

export interface SimulatorSettings {
  readonly chaos: ChaosPolicy;
  readonly seed: number;
  readonly retry: RetryPolicy;
  readonly customer: Customer;
  /** What is created on the page; the APIs of all products are always there. */
  readonly product: Product;
  /** The lifetime of an endpoint of BRTC. */
  readonly endpointLifetimeMs: number;
  /** The page's default. Its host may receive webhooks. */
  readonly callbackUrl: string;
  /** Further hosts that may receive webhooks, as hostNameOf returns them. */
  readonly callbackHosts: readonly string[];
  /** Names that requests may address the simulator by, besides localhost, as hostNameOf returns them. */
  readonly allowedHosts: readonly string[];
  readonly pingIntervalMs: number;
}

export interface Simulator {
  readonly provider: Provider;
  /** Resolves with the URL. Rejects when the port is in use. */
  readonly listen: (port: number, host: string) => Promise<string>;
  readonly close: () => Promise<void>;
}

const CALLBACK_CONNECTIONS = 64;

export async function createSimulator(settings: SimulatorSettings): Promise<Simulator> {
  const { chaos, seed, retry, customer, product, callbackUrl, pingIntervalMs } = settings;
  const hosts = new CallbackHosts([hostNameOf(new URL(callbackUrl)), ...settings.callbackHosts]);
  const client = new CallbackClient({ retry, connections: CALLBACK_CONNECTIONS, hosts });
  const provider = new Provider(client, new Chaos(chaos, seed), settings.endpointLifetimeMs);
  const tokens = new DeviceTokens();
  const guard = new RequestGuard(settings.allowedHosts);
  const adapter = createAdapter(guard);
  const app = await NestFactory.create<NestFastifyApplication>(
    SimulatorModule.forRoot({ provider, tokens, customer, product, callbackUrl }),
    adapter,
    { logger: ['fatal', 'error', 'warn'], abortOnError: false, bodyParser: false },
  );
  app.useGlobalFilters(new ApiErrorFilter());
  await app.init();
  new SignallingServer(provider, tokens, pingIntervalMs).listen(app.getHttpServer(), guard);
  return {
    provider,
    listen: async (port, host) => {
      await app.listen(port, host);
      return app.getUrl();
    },
    close: async () => {
      await provider.close();
      await app.close();
    },
  };
}

function createAdapter(guard: RequestGuard): FastifyAdapter {
  const adapter = new FastifyAdapter({
    forceCloseConnections: true,
    // The guard checks it; Node's own refusal has no body.
    http: { requireHostHeader: false },
    frameworkErrors: ({ statusCode = 400, message }: FastifyError, { raw }: FastifyRequest, reply: FastifyReply) =>
      refuse(reply, guard.refusalOf(raw) ?? { status: statusCode, message }),
  });
  const http = adapter.getInstance();
  http.addHook('onRequest', async ({ raw }, reply) => {
    const refusal = guard.refusalOf(raw);
    if (!refusal) return;
    refuse(reply, refusal);
    return reply;
  });
  acceptEmptyJson(http);
  acceptTokenForms(http);
  return adapter;
}

function refuse(reply: FastifyReply, { status, message }: { readonly status: number; readonly message: string }): void {
  void reply.code(status).send(errorBody(status, message));
}

/** The provider's SDK sends a JSON content type without a body. */
function acceptEmptyJson(http: FastifyInstance): void {
  const parse = http.getDefaultJsonParser('remove', 'remove');
  http.removeContentTypeParser('application/json');
  http.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') return done(null, undefined);
    void parse(request, body as string, done);
  });
}

/** Nothing else accepts forms, which a web page of another origin can send. */
function acceptTokenForms(http: FastifyInstance): void {
  http.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    ({ url }: FastifyRequest, body, done) => {
      if (url === `/${TOKEN_PATH}`) return done(null, Object.fromEntries(new URLSearchParams(body as string)));
      done(new ApiError(415, 'Unsupported Media Type: application/x-www-form-urlencoded'));
    },
  );
}
