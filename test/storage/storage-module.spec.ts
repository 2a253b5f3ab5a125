// The store is closed last, since its users may have work to finish when the service stops.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { pino } from 'pino';
import { systemClock } from '../../src/runtime/clock.js';
import type { RecordStore } from '../../src/storage/ports.js';
import { SqliteStorage } from '../../src/storage/sqlite/sqlite-storage.js';
import { StorageModule } from '../../src/storage/storage.module.js';
import { RECORD_STORE } from '../../src/storage/tokens.js';
import { arrival } from '../contract/arrivals.js';

const outcomes: unknown[] = [];

@Module({})
class WorkerModule implements OnApplicationShutdown {
  constructor(@Inject(RECORD_STORE) private readonly records: RecordStore) {}

  static forRoot(storage: DynamicModule): DynamicModule {
    return { module: WorkerModule, imports: [storage] };
  }

  async onApplicationShutdown(): Promise<void> {
    await setImmediate();
    outcomes.push(...(await this.records.commit([arrival('last')])));
  }
}

@Module({})
class RootModule {}

it.each(['first', 'last'])(
  'closes the store after the modules that use it, even if it is imported %s',
  async (place) => {
    const dir = mkdtempSync(join(tmpdir(), 'rollcall-module-'));
    const storage = new SqliteStorage(dir, systemClock, pino({ level: 'silent' }));
    const storageModule = StorageModule.forRoot(storage);
    const workers = WorkerModule.forRoot(storageModule);
    const imports = place === 'first' ? [storageModule, workers] : [workers, storageModule];
    const app = await NestFactory.createApplicationContext({ module: RootModule, imports }, { logger: false });
    await app.close();
    expect(outcomes.splice(0)).toEqual(['done']);
    rmSync(dir, { recursive: true });
    await expect(storage.check()).rejects.toThrow('not open');
  },
);
