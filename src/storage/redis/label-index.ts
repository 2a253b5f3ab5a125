// Which labels are indexed, in a key of each shard. commit.lua compares it with what the commands of a commit were made for, so that
// a process which has not noticed a new choice cannot leave a participant out of the index.
import { chosen, completed, isPending, parseLabelIndex } from '../label-index.js';
import type { LabelIndex } from '../ports.js';
import { loadScript, type Script } from './script.js';
import type { Shard } from './shard.js';
import type { Shards } from './shards.js';

export class RedisLabelIndex implements LabelIndex {
  readonly #shards: Shards;
  readonly #replace: Script;
  /** As last read, for commits. */
  readonly #known = new Map<Shard, string>();

  constructor(shards: Shards) {
    this.#shards = shards;
    this.#replace = loadScript(shards, 'replace');
  }

  async choose(names: readonly string[]): Promise<string | null> {
    const choices = await this.#shards.fromEach('choose indexed labels', async (shard) => {
      for (;;) {
        const before = await this.read(shard);
        const next = chosen(parseLabelIndex(before), names) ?? before;
        if (next === before || (await this.#swap(shard, before, next))) return next;
      }
    });
    return choices.some((choice) => isPending(parseLabelIndex(choice))) ? JSON.stringify(choices) : null;
  }

  async complete(choice: string): Promise<boolean> {
    const choices = JSON.parse(choice) as string[];
    const swapped = await this.#shards.fromEach('choose indexed labels', async (shard) => {
      const before = choices[this.#shards.all.indexOf(shard)] ?? '';
      const state = parseLabelIndex(before);
      return isPending(state) ? this.#swap(shard, before, completed(state)) : (await this.read(shard)) === before;
    });
    return !swapped.includes(false);
  }

  /** '': nothing was chosen. */
  async read(shard: Shard): Promise<string> {
    const text = (await this.#shards.run(shard, (commands) => commands.get(shard.labels))) ?? '';
    this.#known.set(shard, text);
    return text;
  }

  /** May be outdated. */
  known(shard: Shard): string {
    return this.#known.get(shard) ?? '';
  }

  /** Called with what a commit has found. */
  learn(shard: Shard, text: string): void {
    this.#known.set(shard, text);
  }

  async #swap(shard: Shard, before: string, after: string): Promise<boolean> {
    const isSwapped = (await this.#replace(shard, { keys: [shard.labels], args: [before, after] })) === 1;
    if (isSwapped) this.#known.set(shard, after);
    return isSwapped;
  }
}
