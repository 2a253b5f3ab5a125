import { networkInterfaces } from 'node:os';
import {
  type DynamicModule,
  Module,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { EndpointsController } from './api/endpoints.controller.js';
import { readDeclared } from './api/read-declared.js';
import { DECLARED_ENDPOINTS, DeclaredEndpoints } from './declared-endpoints.js';
import { Endpoints } from './endpoints.js';
import { AddressGuard } from './sending/address-guard.js';
import { type Resolve, resolveBySystem } from './sending/resolver.js';
import { Sender } from './sending/sender.js';

export interface WebhookSettings {
  readonly isHttpAllowed: boolean;
  /** Addresses or CIDR ranges, besides public ones. */
  readonly allowedNetworks: readonly string[];
  /** Parsed JSON: see read-declared.ts. */
  readonly declared: readonly unknown[];
  /** Default: that of the system. */
  readonly resolve?: Resolve;
  /** Of a request. */
  readonly timeoutMs?: number;
}

export interface WebhookOptions extends WebhookSettings {
  /** The modules of the store and of the feed. */
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  readonly publicUrl: string | undefined;
}

@Module({ controllers: [EndpointsController], providers: [Endpoints, DeclaredEndpoints] })
export class WebhooksModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly sender: Sender,
    private readonly declared: DeclaredEndpoints,
  ) {}

  static forRoot({ imports, ...options }: WebhookOptions): DynamicModule {
    return {
      module: WebhooksModule,
      imports,
      providers: [
        {
          provide: AddressGuard,
          inject: [HttpAdapterHost],
          useFactory: (host: HttpAdapterHost) => createGuard(options, host),
        },
        {
          provide: Sender,
          inject: [AddressGuard],
          useFactory: (guard: AddressGuard) => new Sender(guard, options.resolve ?? resolveBySystem, options.timeoutMs),
        },
        {
          provide: DECLARED_ENDPOINTS,
          inject: [AddressGuard],
          useFactory: (guard: AddressGuard) => readDeclared(options.declared, guard),
        },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.declared.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.declared.stop();
    await this.sender.close();
  }
}

function createGuard(options: Omit<WebhookOptions, 'imports'>, { httpAdapter }: HttpAdapterHost): AddressGuard {
  const port = () => (httpAdapter.getHttpServer().address() as { readonly port?: number } | null)?.port;
  const addresses = () =>
    Object.values(networkInterfaces()).flatMap((ofOne) => (ofOne ?? []).map(({ address }) => address));
  return new AddressGuard({ ...options, own: { publicUrl: options.publicUrl, port, addresses } });
}
