// npm run export: writes the participants of a store, and what belongs to them, to a file, or to standard output.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Config } from './config/config.js';
import type { Storage } from './storage/ports.js';
import { readStoreConfig, runProgram, withOpenStore } from './store-program.js';
import { ExportFile } from './transfer/export-file.js';
import { Exporter } from './transfer/exporter.js';
import { ProgressLine } from './transfer/progress-line.js';

const USAGE = `Usage: npm run --silent export -- [--from URL] [--prefix NAME] [--shards N] [--resume] [FILE]
  --from: redis://…, redis+sentinel://…, redis+cluster://…, unix://… or sqlite:FOLDER; by default, as the settings say
  --prefix, --shards: instead of REDIS_PREFIX and REDIS_SHARDS
  --resume: continue FILE, which is the beginning of an export
  FILE: a new file; by default, the export is written to standard output`;

const OPTIONS = {
  from: { type: 'string' },
  prefix: { type: 'string' },
  shards: { type: 'string' },
  resume: { type: 'boolean' },
} as const;

await runProgram(async () => {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const { from: url, resume: isResumed = false, ...rest } = values;
  const [path, ...others] = positionals;
  if (others.length > 0 || (isResumed && path === undefined)) throw new Error(USAGE);
  const config = readStoreConfig({ url, ...rest });
  expectDatabase(config);
  await withOpenStore(config, async (storage) => {
    // Fails at once if the store is unavailable.
    const total = await storage.records.size();
    if (path === undefined) return writeExport(storage, total, undefined);
    const file = await (isResumed ? ExportFile.resume(path) : ExportFile.create(path));
    try {
      if (file.isComplete) console.error(`${path} is complete`);
      else await writeExport(storage, total, file);
    } finally {
      await file.close();
    }
  });
});

/** `file`: undefined for standard output. */
async function writeExport(storage: Storage, total: number, file: ExportFile | undefined): Promise<void> {
  const exporter = new Exporter(storage, file?.resumePoint);
  const progress = new ProgressLine(() => ({
    part: total === 0 || file?.resumePoint ? undefined : exporter.participants / total,
    text: `${exporter.participants} of ${total} participants`,
  }));
  try {
    for await (const text of exporter.chunks()) await (file ? file.append(text) : writeOut(text));
  } finally {
    progress.stop();
  }
  console.error(`${storage.description}: ${exporter.participants} participants, ${exporter.bindings} bindings`);
  const { size: unreadable } = exporter.unreadable;
  const { size: unreadableSettings } = exporter.unreadableSettings;
  if (unreadableSettings > 0) {
    throw new Error(`${unreadableSettings} endpoints or rules of webhooks are left out: they cannot be read`);
  }
  if (unreadable > 0) throw new Error(`${unreadable} participants are left out: their records cannot be read`);
}

async function writeOut(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** Opening a database that does not exist would create it. */
function expectDatabase({ storePlace: { redis, dataDir } }: Config): void {
  if (redis || existsSync(join(dataDir, 'rollcall.db'))) return;
  throw new Error(`${resolve(dataDir)} has no rollcall.db`);
}
