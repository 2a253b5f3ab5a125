import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
// biome-ignore lint/style/noRestrictedImports: tests its limitations
import { FastifyAdapter, RouteConfig } from '@nestjs/platform-fastify';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { AccessGuard } from '../../src/auth/access-guard.js';
import { ClientAddresses } from '../../src/http/client-address.js';
import { Access, Limits, Probe, type RouteOptions, routeOptionsOf } from '../../src/http/route-options.js';
import { ManualClock } from '../manual-clock.js';

/** Pages of the console have no controller. */
const DECLARATIONS: Record<Exclude<keyof RouteOptions, 'isPage'>, MethodDecorator> = {
  access: Access('admin'),
  hasOwnLimit: Limits({ hasOwnLimit: true }),
  bodyLimitBytes: Limits({ bodyLimitBytes: 1_024 }),
  probe: Probe('readiness'),
};

/** A controller with one handler that has these decorators, the first one outermost. */
function controllerWith(decorators: readonly MethodDecorator[]): Type {
  @Controller('decorated')
  class Decorated {
    handle() {}
  }
  const handler = Object.getOwnPropertyDescriptor(Decorated.prototype, 'handle') as PropertyDescriptor;
  for (const decorate of [Get(), ...decorators].toReversed()) decorate(Decorated.prototype, 'handle', handler);
  return Decorated;
}

describe('the options of a route', () => {
  let http: FastifyInstance | undefined;
  afterEach(() => http?.close());

  /** The options of the route as the HTTP server receives it, after the guard that requires a declared access. */
  async function boot(controller: Type): Promise<Partial<RouteOptions>> {
    @Module({ controllers: [controller] })
    class Decorated {}
    const adapter = new FastifyAdapter();
    const instance = adapter.getInstance();
    http = instance;
    const parts = { perMinute: 1, clients: new ClientAddresses([]), clock: new ManualClock(0) };
    new AccessGuard({ isRequired: true, apiKeys: [] }, parts).register(instance);
    let options: Partial<RouteOptions> = {};
    instance.addHook('onRoute', ({ config }) => {
      options = routeOptionsOf(config);
    });
    const app = await NestFactory.create(Decorated, adapter, { logger: false, abortOnError: false });
    await app.init();
    return options;
  }

  it('are all declared, in any order of the decorators', async () => {
    const orders = fc.shuffledSubarray(Object.values(DECLARATIONS), { minLength: 4 });
    await fc.assert(
      fc.asyncProperty(orders, async (decorators) => {
        expect(await boot(controllerWith(decorators))).toEqual({
          access: 'admin',
          hasOwnLimit: true,
          bodyLimitBytes: 1_024,
          probe: 'readiness',
        });
      }),
      { numRuns: 12 },
    );
  });

  it.each([
    ['access', [Access('admin'), Access('read')]],
    ['access', [Access('read'), Limits({ hasOwnLimit: true }), Access('admin')]],
    ['bodyLimitBytes', [Limits({ bodyLimitBytes: 1 }), Limits({ bodyLimitBytes: 2 })]],
  ])('may not declare %s twice', (name, decorators) => {
    expect(() => controllerWith(decorators)).toThrow(`Decorated.handle: the route option ${name} is declared twice`);
  });

  it.each([
    ['without a declared access', [Limits({ hasOwnLimit: true } as const)]],
    ['with an access that the framework’s own decorator discards', [RouteConfig({ access: 'read' }), Access('admin')]],
  ])('prevent the start %s', async (_what, decorators) => {
    await expect(boot(controllerWith(decorators))).rejects.toThrow('GET /decorated does not declare its access');
  });

  it('are not changed by the framework’s own decorator', async () => {
    const decorators = [Access('admin'), RouteConfig({ access: 'read' })];
    expect(await boot(controllerWith(decorators))).toEqual({ access: 'admin' });
  });
});
