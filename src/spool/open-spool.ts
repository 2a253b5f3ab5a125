// Finds the spool files of a process. Each process has one of its own, and adopts those of processes that have ended.
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Logger } from 'pino';
import { isInUse } from '../storage/sqlite-file.js';
import { rescueEvents } from './rescue.js';
import { SpoolFile } from './spool-file.js';

const FILE_NAME = /^spool-(\d{1,6})\.db$/;

/**
 * The first file is this process's own; the others have events. `store`: names the store that the events are for. Empty if no file
 * can be written, which is logged.
 */
export function openSpoolFiles(dataDir: string, store: string, log: Logger): SpoolFile[] {
  const numbers = existingNumbers(dataDir);
  const files: SpoolFile[] = [];
  const damaged: SpoolFile[] = [];
  for (const number of numbers) {
    const file = openExisting(dataDir, number, store, log);
    if (!file) continue;
    if (file.isDamaged) damaged.push(file);
    else if (files.length === 0 || file.oldestMs() !== undefined) files.push(file);
    else file.close();
  }
  if (files.length === 0) files.push(...create(dataDir, (numbers.at(-1) ?? 0) + 1, store, log));
  const [own] = files;
  for (const file of damaged) if (own) rescueEvents(file, own, log);
  return files;
}

function existingNumbers(dataDir: string): number[] {
  try {
    const names = readdirSync(dataDir);
    return names
      .flatMap((name) => FILE_NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  } catch {
    // A missing folder will be created.
    return [];
  }
}

/** undefined: the file is in use, cannot be used, or has events for another store. */
function openExisting(dataDir: string, number: number, store: string, log: Logger): SpoolFile | undefined {
  try {
    const file = new SpoolFile(dataDir, nameOf(number), store);
    if (file.store === store) return file;
    const facts = { file: resolve(dataDir, file.name), events: file.length, store: file.store };
    log.warn(facts, 'a spool file has events for another store: they are applied when that store is configured again');
    file.close();
  } catch (error) {
    if (!isInUse(error)) log.error(`a spool file cannot be used, and its events are not applied: ${messageOf(error)}`);
  }
  return undefined;
}

function create(dataDir: string, first: number, store: string, log: Logger): SpoolFile[] {
  for (let number = first; ; number += 1) {
    try {
      return [new SpoolFile(dataDir, nameOf(number), store)];
    } catch (error) {
      if (isInUse(error)) continue;
      log.error(`events cannot be spooled: while the store is away, callbacks are refused: ${messageOf(error)}`);
      return [];
    }
  }
}

function nameOf(number: number): string {
  return `spool-${number}.db`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
