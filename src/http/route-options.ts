// Decorators with which a route declares who may use it and which limits apply.
//
// Nest's own RouteConfig replaces what an earlier one set, so that a second decorator, for a body limit, would silently drop
// the declared access. These decorators merge, in any order, and declaring an option twice fails at start. The options are
// stored under a private symbol, so that no other decorator can set or change them.
// biome-ignore lint/style/noRestrictedImports: the only place that uses it
import { RouteConfig } from '@nestjs/platform-fastify';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';

/** `public`: no key needed. `read`, `admin`, `metrics`: an API key with that scope. `callback`: the credentials of a source. */
export type RouteAccess = 'public' | 'read' | 'admin' | 'metrics' | 'callback';

export interface RouteOptions {
  readonly access: RouteAccess;
  /** The route enforces its own limit instead of MAX_IN_FLIGHT. */
  readonly hasOwnLimit: true;
  readonly bodyLimitBytes: number;
  /** A health probe, to which no limits apply. Liveness is also answered while the service is stopping. */
  readonly probe: 'liveness' | 'readiness';
  /** A page of the console, not part of the API: another method at its path is answered like an unknown path. */
  readonly isPage: true;
}

const OPTIONS = Symbol('RouteOptions');

/** The options declared in the config of a Fastify route. */
export function routeOptionsOf(config: object | undefined): Partial<RouteOptions> {
  return (config as { [OPTIONS]?: Partial<RouteOptions> } | undefined)?.[OPTIONS] ?? {};
}

/** Adds options to a Fastify route config. Throws when one of them is already declared. */
export function withRouteOptions(options: Partial<RouteOptions>, config?: object): object {
  const declared = routeOptionsOf(config);
  const twice = Object.keys(options).find((name) => name in declared);
  if (twice !== undefined) throw new Error(`the route option ${twice} is declared twice`);
  return { ...config, [OPTIONS]: { ...declared, ...options } };
}

/** Declares who may use a route. Every route needs exactly one such declaration; without it the service does not start. */
export function Access(access: RouteAccess): MethodDecorator {
  return declare({ access });
}

export function Probe(probe: RouteOptions['probe']): MethodDecorator {
  return declare({ probe });
}

export function Limits(limits: Partial<Pick<RouteOptions, 'hasOwnLimit' | 'bodyLimitBytes'>>): MethodDecorator {
  return declare(limits);
}

function declare(options: Partial<RouteOptions>): MethodDecorator {
  return (target, name, descriptor) => {
    const config = Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, descriptor.value as object);
    try {
      RouteConfig(withRouteOptions(options, config))(target, name, descriptor);
    } catch (error) {
      throw new Error(`${target.constructor.name}.${String(name)}: ${(error as Error).message}`, { cause: error });
    }
  };
}
