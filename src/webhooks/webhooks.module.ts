import { networkInterfaces } from 'node:os';
import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Module,
  type ModuleMetadata,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { changeResponse } from '../feed/api/change-response.js';
import { FeedTrimmer } from '../feed/feed-trimmer.js';
import { DeliveriesController } from './api/deliveries.controller.js';
import { EndpointsController } from './api/endpoints.controller.js';
import { readDeclared } from './api/read-declared.js';
import { RulesController } from './api/rules.controller.js';
import { DECLARED_ENDPOINTS, DeclaredEndpoints } from './declared-endpoints.js';
import { Backlog } from './delivery/backlog.js';
import { Deliveries, FORMAT_CHANGE } from './delivery/deliveries.js';
import { DeliveryGauges } from './delivery/delivery-gauges.js';
import { DeliveryMetrics } from './delivery/delivery-metrics.js';
import { ManualSends } from './delivery/manual-sends.js';
import { Endpoints } from './endpoints.js';
import { OccupancyMetrics } from './occupancy/occupancy-metrics.js';
import { OccupancyTracker, VACATED_DELAY_MS } from './occupancy/occupancy-tracker.js';
import { Rules } from './occupancy/rules.js';
import { AddressGuard } from './sending/address-guard.js';
import { type Resolve, resolveBySystem } from './sending/resolver.js';
import { Sender } from './sending/sender.js';

export interface WebhookSettings {
  readonly isHttpAllowed: boolean;
  /** Addresses or CIDR ranges, besides public ones. */
  readonly allowedNetworks: readonly string[];
  /** Parsed JSON: see read-declared.ts. */
  readonly declared: readonly unknown[];
  /** How long a tag must be empty before `tag.vacated`. */
  readonly vacatedDelayMs: number;
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

@Module({
  controllers: [EndpointsController, DeliveriesController, RulesController],
  providers: [
    Endpoints,
    DeclaredEndpoints,
    Deliveries,
    DeliveryMetrics,
    DeliveryGauges,
    Backlog,
    ManualSends,
    Rules,
    OccupancyTracker,
    OccupancyMetrics,
  ],
})
export class WebhooksModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly sender: Sender,
    private readonly declared: DeclaredEndpoints,
    private readonly deliveries: Deliveries,
    private readonly sends: ManualSends,
    private readonly trimmer: FeedTrimmer,
  ) {}

  static forRoot({ imports, ...options }: WebhookOptions): DynamicModule {
    return {
      module: WebhooksModule,
      imports,
      providers: [
        { provide: FORMAT_CHANGE, useValue: changeResponse },
        { provide: VACATED_DELAY_MS, useValue: options.vacatedDelayMs },
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
    this.trimmer.keepSince(() => this.deliveries.neededSinceMs());
    this.deliveries.start();
  }

  /** While the feed and the store are still there. */
  async beforeApplicationShutdown(): Promise<void> {
    this.sends.stop();
    await this.declared.stop();
    await this.deliveries.stop();
    await this.sender.close();
  }
}

function createGuard(options: Omit<WebhookOptions, 'imports'>, { httpAdapter }: HttpAdapterHost): AddressGuard {
  const port = () => (httpAdapter.getHttpServer().address() as { readonly port?: number } | null)?.port;
  const addresses = () =>
    Object.values(networkInterfaces()).flatMap((ofOne) => (ofOne ?? []).map(({ address }) => address));
  return new AddressGuard({ ...options, own: { publicUrl: options.publicUrl, port, addresses } });
}
