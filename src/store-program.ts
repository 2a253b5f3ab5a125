// What the programs that work on a store have in common: which store that is, and how they fail.
import { pino } from 'pino';
import { type Config, ConfigError, loadEnvFile, readConfig } from './config/config.js';
import { type StoreArgument, withStore } from './config/store-argument.js';
import { systemClock } from './runtime/clock.js';
import { DIALECTS } from './sources/registry.js';
import { openStorage } from './storage/open-storage.js';
import type { Storage } from './storage/ports.js';

/** A failure is told in lines on standard error, with exit code 1. */
export async function runProgram(program: () => Promise<void>): Promise<void> {
  try {
    await program();
  } catch (error) {
    console.error(error instanceof ConfigError ? error.problems.join('\n') : (error as Error).message);
    process.exitCode = 1;
  }
}

/** Throws ConfigError. */
export function readStoreConfig(argument: StoreArgument): Config {
  loadEnvFile();
  return readConfig(DIALECTS, withStore(process.env, argument));
}

/** Closes the store when `work` ends. Rejects with StartError. */
export async function withOpenStore({ storePlace }: Config, work: (storage: Storage) => Promise<void>): Promise<void> {
  const storage = await openStorage({ ...storePlace, isWatching: false }, systemClock, pino({ level: 'silent' }));
  try {
    await work(storage);
  } finally {
    await storage.close();
  }
}
