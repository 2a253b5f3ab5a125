// Notices a failover of which the connection to the former master shows nothing: where the master was cut off from the Sentinels,
// but not from here, it would acknowledge commits that are lost once it joins the new master.
import { findMaster } from './find-master.js';
import { formatPlace, type RedisAddress, type ServerPlace } from './redis-address.js';

const INTERVAL_MS = 2_000;

export class SentinelWatch {
  #timer: NodeJS.Timeout | undefined;

  /** `onOther` is called when more than half of the Sentinels name another master than `connected` returns. */
  constructor(
    private readonly address: RedisAddress,
    private readonly connected: () => ServerPlace | undefined,
    private readonly onOther: () => void,
  ) {}

  start(): void {
    this.stop();
    this.#timer = setTimeout(() => void this.#check(), INTERVAL_MS).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #check(): Promise<void> {
    const timer = this.#timer;
    // With fewer Sentinels, the connection may well be right, and a single one may name a former master.
    const found = await findMaster(this.address).catch(() => undefined);
    if (this.#timer !== timer) return;
    const current = this.connected();
    if (found?.isCertain && current && formatPlace(found.place) !== formatPlace(current)) this.onOther();
    else this.start();
  }
}
