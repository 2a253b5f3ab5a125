// Copies the events of a damaged spool file that can still be read into another one. Damage concerns pages of the file, with a dozen
// events each; reading across a damaged page fails. So ranges that cannot be read are halved until only unreadable events are left.
import type { Logger } from 'pino';
import { isDamage } from '../storage/sqlite-file.js';
import type { SpoolEntry, SpoolFile } from './spool-file.js';

const APPEND_SIZE = 1_000;
/** Takes a few seconds. A damaged page costs about 50; after that, a range that cannot be read is given up as a whole. */
const MAX_FAILURES = 50_000;

/** Renames the damaged file once the events are durable in the other one. */
export function rescueEvents(damaged: SpoolFile, to: SpoolFile, log: Logger): void {
  try {
    const { entries, unreadable } = readableEntries(damaged);
    for (let first = 0; first < entries.length; first += APPEND_SIZE) {
      to.append(entries.slice(first, first + APPEND_SIZE));
    }
    const facts = { file: damaged.renameDamaged(), rescued: entries.length, lostAtMost: unreadable };
    log.error(facts, 'a spool file was damaged: the events that could be read are applied, and the file is renamed');
  } catch (error) {
    log.error({ err: error }, `the events of the damaged ${damaged.name} could not be rescued; they are not applied`);
  }
}

/** `unreadable`: an upper limit, because the ids of events that were applied before cannot be told from those of lost ones. */
function readableEntries(file: SpoolFile): { entries: SpoolEntry[]; unreadable: number } {
  const entries: SpoolEntry[] = [];
  let [unreadable, failures] = [0, 0];
  const ranges: [number, number][] = [[1, file.lastId()]];
  for (let range = ranges.pop(); range; range = ranges.pop()) {
    const [first, last] = range;
    try {
      for (const entry of file.between(first, last)) {
        if (isIntact(entry)) entries.push(entry);
        else unreadable += 1;
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
      failures += 1;
      const middle = Math.floor((first + last) / 2);
      if (first === last || failures > MAX_FAILURES) unreadable += last - first + 1;
      else ranges.push([middle + 1, last], [first, middle]);
    }
  }
  return { entries, unreadable };
}

/** SQLite does not notice damage within a text. */
function isIntact({ key, text }: SpoolEntry): boolean {
  try {
    return typeof key === 'string' && typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}
