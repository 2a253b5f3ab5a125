// Finds the spool files of a process. Each process has one of its own, and adopts those of processes that have ended.
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Logger } from 'pino';
import { isInUse } from '../storage/sqlite-file.js';
import { rescueEvents } from './rescue.js';
import { SpoolFile } from './spool-file.js';

const CONSEQUENCES = {
  spool: 'events cannot be spooled: while the store is unavailable, callbacks are refused',
  forward: 'callbacks cannot be forwarded',
};

export interface SpoolPlace {
  readonly dataDir: string;
  /** `forward`: of callbacks that another service is to have. */
  readonly name: keyof typeof CONSEQUENCES;
  /** Names what the entries are for. */
  readonly store: string;
}

/** The first file is this process's own; the others have entries. Empty if no file can be written, which is logged. */
export function openSpoolFiles(place: SpoolPlace, log: Logger): SpoolFile[] {
  const numbers = existingNumbers(place);
  const files: SpoolFile[] = [];
  const damaged: SpoolFile[] = [];
  for (const number of numbers) {
    const file = openExisting(place, number, log);
    if (!file) continue;
    if (file.isDamaged) damaged.push(file);
    else if (files.length === 0 || file.oldestMs() !== undefined) files.push(file);
    else file.close(log);
  }
  if (files.length === 0) files.push(...create(place, (numbers.at(-1) ?? 0) + 1, log));
  const [own] = files;
  for (const file of damaged) if (own) rescueEvents(file, own, log);
  return files;
}

function existingNumbers({ dataDir, name: kind }: SpoolPlace): number[] {
  const fileName = new RegExp(`^${kind}-(\\d{1,6})\\.db$`);
  try {
    const names = readdirSync(dataDir);
    return names
      .flatMap((name) => fileName.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  } catch {
    // A missing folder will be created.
    return [];
  }
}

/** undefined: the file is in use, cannot be used, or has entries for another destination. */
function openExisting(place: SpoolPlace, number: number, log: Logger): SpoolFile | undefined {
  const { dataDir, store } = place;
  try {
    const file = new SpoolFile(dataDir, nameOf(place, number), store);
    if (file.store === store) return file;
    const facts = { file: resolve(dataDir, file.name), events: file.length, destination: file.store };
    log.warn(facts, 'a spool file has events for another destination: they wait until that is configured again');
    file.close(log);
  } catch (error) {
    if (!isInUse(error)) log.error(`a spool file cannot be used, and its events are not applied: ${messageOf(error)}`);
  }
  return undefined;
}

function create(place: SpoolPlace, first: number, log: Logger): SpoolFile[] {
  const { dataDir, name, store } = place;
  for (let number = first; ; number += 1) {
    try {
      return [new SpoolFile(dataDir, nameOf(place, number), store)];
    } catch (error) {
      if (isInUse(error)) continue;
      log.error(`${CONSEQUENCES[name]}: ${messageOf(error)}`);
      return [];
    }
  }
}

function nameOf({ name }: SpoolPlace, number: number): string {
  return `${name}-${number}.db`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
