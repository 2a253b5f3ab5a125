// Monitors whether the service is alive, and its memory.
import { setInterval as every } from 'node:timers/promises';
import { usageOf } from '../usage.mjs';

const SAMPLE_EVERY_MS = 50;

export class ProcessWatch {
  #samples = [];
  #stopped = new AbortController();
  #pid;

  constructor(pid) {
    this.#pid = pid;
    void this.#watch().catch(() => {}); // stopped, or the process has exited
  }

  /** The peak resident memory since a time. */
  peakMibSince(fromMs) {
    return Math.max(0, ...this.#samples.filter(({ atMs }) => atMs >= fromMs).map(({ mib }) => mib));
  }

  get latestMib() {
    return this.#samples.at(-1)?.mib ?? 0;
  }

  isAlive() {
    try {
      return process.kill(this.#pid, 0);
    } catch {
      return false;
    }
  }

  stop() {
    this.#stopped.abort();
  }

  async #watch() {
    for await (const _ of every(SAMPLE_EVERY_MS, undefined, { signal: this.#stopped.signal })) {
      const { rssKb } = usageOf(this.#pid);
      if (rssKb > 0) this.#samples.push({ atMs: Date.now(), mib: rssKb / 1_024 });
    }
  }
}
