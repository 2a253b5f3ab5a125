// The whole simulator, ready to listen: what main.ts starts, and what the tests talk to.
import { randomUUID } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Customer } from './api/account.guard.js';
import { ApiErrorFilter } from './api/api-error.js';
import { DeviceTokens } from './provider/device-tokens.js';
import { Provider } from './provider/provider.js';
import { SignallingServer } from './signalling/signalling-server.js';
import { SimulatorModule } from './simulator.module.js';
import { CallbackClient, type RetryPolicy } from './webhooks/callback-client.js';
import { Chaos, type ChaosPolicy } from './webhooks/chaos.js';

export interface SimulatorSettings {
  readonly chaos: ChaosPolicy;
  readonly seed: number;
  readonly retry: RetryPolicy;
  readonly customer: Customer;
  /** What the page proposes. */
  readonly callbackUrl: string;
  /** How often a client is asked whether it is there. */
  readonly noticeMs: number;
}

export interface Simulator {
  readonly provider: Provider;
  /** Resolves with the address. Rejects when the port is taken. */
  readonly listen: (port: number, host: string) => Promise<string>;
  readonly close: () => Promise<void>;
}

const CALLBACK_CONNECTIONS = 64;

export async function createSimulator(settings: SimulatorSettings): Promise<Simulator> {
  const { chaos, seed, retry, customer, callbackUrl, noticeMs } = settings;
  const provider = new Provider(new CallbackClient(retry, CALLBACK_CONNECTIONS), new Chaos(chaos, seed));
  const tokens = new DeviceTokens();
  const adapter = new FastifyAdapter({
    forceCloseConnections: true,
    frameworkErrors: (error: FastifyError, _: FastifyRequest, reply: FastifyReply) =>
      void reply.code(error.statusCode ?? 400).send({ error: error.message, requestId: randomUUID() }),
  });
  acceptEmptyJson(adapter.getInstance());
  const app = await NestFactory.create<NestFastifyApplication>(
    SimulatorModule.with({ provider, tokens, customer, callbackUrl }),
    adapter,
    { logger: ['fatal', 'error', 'warn'], abortOnError: false, bodyParser: false },
  );
  app.useGlobalFilters(new ApiErrorFilter());
  await app.init();
  new SignallingServer(provider, tokens, noticeMs).listen(app.getHttpServer());
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

/** The provider's SDK says that there is JSON, and then there is none. */
function acceptEmptyJson(http: FastifyInstance): void {
  const parse = http.getDefaultJsonParser('remove', 'remove');
  http.removeContentTypeParser('application/json');
  http.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') return done(null, undefined);
    void parse(request, body as string, done);
  });
}
