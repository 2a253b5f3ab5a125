// What a route declares about itself, on the handler: who may use it and which limits apply.
//
// Nest's own RouteConfig replaces whatever an earlier one set, so that a second decorator for a body limit would silently
// drop the declared access. The decorators here add to what is there, in any order, and a second value for one option
// fails at start. The options live under a symbol of this module, so that no other decorator can state or change one.
// biome-ignore lint/style/noRestrictedImports: the one place that uses it
import { RouteConfig } from '@nestjs/platform-fastify';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';

/** `public`: no key needed. `read`, `admin`: an API key with that scope. `callback`: the credentials of a source. */
export type RouteAccess = 'public' | 'read' | 'admin' | 'callback';

export interface RouteOptions {
  readonly access: RouteAccess;
  /** The route enforces a limit of its own instead of MAX_IN_FLIGHT. */
  readonly hasOwnLimit: true;
  readonly bodyLimitBytes: number;
  /** A health probe: no limit of any kind refuses it. Liveness is also answered while the service stops. */
  readonly probe: 'liveness' | 'readiness';
}

const OPTIONS = Symbol('RouteOptions');

/** The options that a Fastify route's config declares. */
export function routeOptionsOf(config: object | undefined): Partial<RouteOptions> {
  return (config as { [OPTIONS]?: Partial<RouteOptions> } | undefined)?.[OPTIONS] ?? {};
}

/** A Fastify route config that declares these options beside what `config` has. Throws when one is declared already. */
export function withRouteOptions(options: Partial<RouteOptions>, config?: object): object {
  const declared = routeOptionsOf(config);
  const twice = Object.keys(options).find((name) => name in declared);
  if (twice !== undefined) throw new Error(`the route option ${twice} is declared twice`);
  return { ...config, [OPTIONS]: { ...declared, ...options } };
}

/** Declares who may use a route. Every route has exactly one such declaration; the service does not start otherwise. */
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
