// The results of the honest callbacks, by scheduled time.
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { end, launch } from '../processes.mjs';
import { percentile } from '../rounds.mjs';

/** Time for the sender to start, before its first callback is due. */
const START_MS = 750;
/** Longer than the sender's own timeout. */
const ANSWER_TIME_LIMIT_MS = 12_000;

export class HonestLoad {
  #answers = [];
  #startMs = Date.now() + START_MS;
  #perSecond;
  #child;

  constructor({ port, path, perSecond }) {
    const plan = JSON.stringify({ port, path, perSecond, startMs: this.#startMs });
    this.#perSecond = perSecond;
    this.#child = launch(process.execPath, ['bench/attack/honest-load.mjs', plan], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface(this.#child.stdout).on('line', (line) => {
      const [n, lateMs, latencyMs, status, isNew] = JSON.parse(line);
      this.#answers[n] = { lateMs, latencyMs, status, isNew };
    });
  }

  stop() {
    return end(this.#child);
  }

  /** The results of callbacks due in a past interval. Resolves when all are answered, or after `timeoutMs`. */
  async outcome(fromMs, toMs, { timeoutMs = ANSWER_TIME_LIMIT_MS, countsNew = true } = {}) {
    const [first, last] = [fromMs, toMs].map((ms) =>
      Math.max(0, Math.ceil(((ms - this.#startMs) * this.#perSecond) / 1_000)),
    );
    const numbers = Array.from({ length: last - first }, (_, index) => first + index);
    while (Date.now() < toMs + timeoutMs && numbers.some((n) => !this.#answers[n])) await wait(20);
    const unanswered = { lateMs: 0, latencyMs: Number.POSITIVE_INFINITY, status: 0, isNew: false };
    const answers = numbers.map((n) => this.#answers[n] ?? unanswered).filter(({ isNew }) => countsNew || !isNew);
    const latenciesMs = sorted(answers, ({ status, latencyMs }) =>
      status === 0 ? Number.POSITIVE_INFINITY : latencyMs,
    );
    return {
      count: answers.length,
      p50Ms: percentile(latenciesMs, 0.5),
      p99Ms: percentile(latenciesMs, 0.99),
      /** The delay of the sender itself, caused by other load on this machine. */
      lateP99Ms: percentile(
        sorted(answers, ({ lateMs }) => lateMs),
        0.99,
      ),
      refused: answers.filter(({ status }) => status >= 400).length,
      failed: answers.filter(({ status }) => status === 0).length,
    };
  }
}

function sorted(answers, figureOf) {
  return answers.map(figureOf).sort((a, b) => a - b);
}
