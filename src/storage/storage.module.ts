import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Storage } from './ports.js';
import {
  BINDING_STORE,
  DELIVERY_STORE,
  END_STORE,
  FEED_STORE,
  INCIDENT_STORE,
  LABEL_INDEX,
  LEASE_STORE,
  OCCUPANCY_EVENT_STORE,
  PRESENCE_INDEX,
  QUARANTINE_STORE,
  RECORD_STORE,
  STORAGE,
  WEBHOOK_SETTING_STORE,
} from './tokens.js';

/** Provides the ports of the store and closes it on shutdown. */
@Module({})
export class StorageModule implements OnApplicationShutdown {
  constructor(@Inject(STORAGE) private readonly storage: Storage) {}

  static forRoot(storage: Storage): DynamicModule {
    const providers = [
      { provide: STORAGE, useValue: storage },
      { provide: RECORD_STORE, useValue: storage.records },
      { provide: PRESENCE_INDEX, useValue: storage.index },
      { provide: LABEL_INDEX, useValue: storage.labels },
      { provide: FEED_STORE, useValue: storage.feed },
      { provide: BINDING_STORE, useValue: storage.bindings },
      { provide: END_STORE, useValue: storage.ends },
      { provide: INCIDENT_STORE, useValue: storage.incidents },
      { provide: QUARANTINE_STORE, useValue: storage.quarantine },
      { provide: LEASE_STORE, useValue: storage.leases },
      { provide: WEBHOOK_SETTING_STORE, useValue: storage.webhookSettings },
      { provide: DELIVERY_STORE, useValue: storage.deliveries },
      { provide: OCCUPANCY_EVENT_STORE, useValue: storage.occupancyEvents },
    ];
    return { module: StorageModule, providers, exports: providers };
  }

  /** Nest shuts a module down before its imports, so all users of the store have stopped by now. */
  async onApplicationShutdown(): Promise<void> {
    await this.storage.close();
  }
}
