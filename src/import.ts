// npm run import: reads an export from a file, or from standard input, into a store.
import { createReadStream, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { systemClock } from './runtime/clock.js';
import { SourceRegistry } from './sources/registry.js';
import { readStoreConfig, runProgram, withOpenStore } from './store-program.js';
import { importLines } from './transfer/import-lines.js';
import { type ImportCounts, Importer } from './transfer/importer.js';
import { LineError, linesOf } from './transfer/lines.js';
import { ProgressLine } from './transfer/progress-line.js';

const USAGE = `Usage: npm run --silent import -- [--to URL] [--prefix NAME] [--shards N] [FILE]
  --to: redis://…, redis+sentinel://…, redis+cluster://…, unix://… or sqlite:FOLDER; by default, as the settings say
  --prefix, --shards: instead of REDIS_PREFIX and REDIS_SHARDS
  FILE: an export; by default, it is read from standard input`;

const OPTIONS = { to: { type: 'string' }, prefix: { type: 'string' }, shards: { type: 'string' } } as const;

await runProgram(async () => {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const { to: url, ...rest } = values;
  const [path, ...others] = positionals;
  if (others.length > 0) throw new Error(USAGE);
  const size = path === undefined ? undefined : statSync(path).size;
  const config = readStoreConfig({ url, ...rest });
  const registry = new SourceRegistry(config.sources, undefined, config.policy);
  await withOpenStore(config, async (storage) => {
    // Fails at once if the store is unavailable.
    await storage.records.size();
    const importer = new Importer(
      storage,
      (source) => registry.policyOf(source),
      () => systemClock.now(),
    );
    let last = { number: 0, endOffset: 0 };
    const progress = new ProgressLine(() => ({
      part: size && last.endOffset / size,
      text: `line ${last.number}`,
    }));
    const chunks = (path === undefined ? process.stdin : createReadStream(path)) as AsyncIterable<Buffer>;
    try {
      await importLines(linesOf(chunks), importer, (line) => {
        last = line;
      });
    } catch (error) {
      throw error instanceof LineError ? new Error(`${path ?? 'standard input'}, ${error.message}`) : error;
    } finally {
      progress.stop();
      console.error(`${storage.description}: ${summaryOf(importer.counts)}`);
    }
    if (importer.counts.unreadable > 0)
      throw new Error('Some records of the store cannot be read; they stay as they are');
  });
});

function summaryOf(counts: ImportCounts): string {
  const { added, merged, unchanged, bindings, boundOtherwise, settings, settingsKept, unreadable } = counts;
  const participants = `${added} participants added, ${merged} changed, ${unchanged} unchanged`;
  const exceptions = [
    ...(boundOtherwise > 0
      ? [`${boundOtherwise} of them are bound to another participant in the store and were kept`]
      : []),
    ...(settings > 0 ? [`${settings} endpoints and rules of webhooks added`] : []),
    ...(settingsKept > 0 ? [`${settingsKept} endpoints and rules of webhooks already exist and were kept`] : []),
    ...(unreadable > 0 ? [`${unreadable} participants cannot be read there`] : []),
  ];
  return [participants, `${bindings} bindings`, ...exceptions].join('; ');
}
