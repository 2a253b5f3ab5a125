// Compares the list of a provider with the participants of its source. Nothing is concluded until the whole list has been read, nor if
// the provider or the store fails, which is an error.
import { isNewsIfListed, isNewsIfUnlisted, type Observation, type ObservedDevice } from '../domain/observation.js';
import type { ParticipantRecord } from '../domain/participant.js';
import type { Clock } from '../runtime/clock.js';
import { onTickEnd } from '../runtime/tick-batch.js';
import { ProviderApiError } from '../sources/provider-api.js';
import type { ObservedSource } from '../sources/registry.js';
import { readableRecord } from '../storage/encoding/record-codec.js';
import { keyOf, type SubjectKey, subjectOf } from '../storage/encoding/subject-key.js';
import type { PageCursor, PresenceIndex } from '../storage/ports.js';
import type { ObservationRecorder } from './observation-recorder.js';
import type { Direction, Drift } from './source-state.js';

/** Held in memory during a poll, with about 200 bytes each. */
const MAX_LISTED = 1_000_000;
const PAGE_SIZE = 500;
/** Answers that are recorded at the same time. */
const BATCH_SIZE = 128;

export interface Comparison {
  readonly askedAtMs: number;
  readonly receivedAtMs: number;
  /** Connected here, but not on the list. */
  readonly absent: readonly SubjectKey[];
  /** On a list without devices, but not known to be connected. */
  readonly toFind: readonly SubjectKey[];
  readonly drift: Drift;
  readonly corrections: readonly Direction[];
}

interface Listed {
  /** undefined: the list does not name them. */
  readonly devices: readonly ObservedDevice[] | undefined;
  readonly tag: string | undefined;
}

interface Parts {
  readonly index: PresenceIndex;
  readonly recorder: ObservationRecorder;
  readonly clock: Clock;
}

interface Pair {
  readonly key: SubjectKey;
  readonly listed: Listed;
  readonly record: ParticipantRecord | undefined;
}

/** Rejects with ProviderApiError or StoreUnavailableError. `source`: its observer must have a list. */
export async function compare(source: ObservedSource, parts: Parts, signal: AbortSignal): Promise<Comparison> {
  const askedAtMs = parts.clock.now();
  const listed = await completeList(source, signal);
  const comparing = new Comparing(source, parts, { askedAtMs, receivedAtMs: parts.clock.now() });
  return comparing.run(listed, signal);
}

async function completeList({ name, observer }: ObservedSource, signal: AbortSignal): Promise<Map<SubjectKey, Listed>> {
  const listed = new Map<SubjectKey, Listed>();
  for await (const page of observer.list?.(signal) ?? []) {
    for (const { devices, tag, ...participant } of page) {
      const key = keyOf({ source: name, ...participant });
      const others = listed.get(key)?.devices ?? [];
      listed.set(key, { devices: devices && [...others, ...devices], tag });
    }
    if (listed.size > MAX_LISTED) {
      throw new ProviderApiError('not-understood', `the list has more than ${MAX_LISTED} participants`);
    }
  }
  return listed;
}

class Comparing {
  readonly #absent: SubjectKey[] = [];
  readonly #toFind: SubjectKey[] = [];
  readonly #corrections: Direction[] = [];
  #connected = 0;
  #missing = 0;

  constructor(
    private readonly source: ObservedSource,
    private readonly parts: Parts,
    private readonly times: Pick<Observation, 'askedAtMs' | 'receivedAtMs'>,
  ) {}

  async run(listed: Map<SubjectKey, Listed>, signal: AbortSignal): Promise<Comparison> {
    const listedCount = listed.size;
    await this.#comparePresent(listed, signal);
    await this.#compareOthers(listed, signal);
    const counts = { connected: this.#connected, listed: listedCount };
    const drift = { ...counts, absent: this.#absent.length, missing: this.#missing };
    const found = { absent: this.#absent, toFind: this.#toFind, corrections: this.#corrections };
    return { ...this.times, ...found, drift };
  }

  /** Takes those who are present here off the list. */
  async #comparePresent(listed: Map<SubjectKey, Listed>, signal: AbortSignal): Promise<void> {
    const filter = { states: ['connected', 'reconnecting'], source: this.source.name } as const;
    for (let after: PageCursor | null = null; ; ) {
      signal.throwIfAborted();
      const { items } = await this.parts.index.page(filter, after, PAGE_SIZE);
      const pairs: Pair[] = [];
      for (const { key, record: text } of items) {
        const record = readableRecord(key, text);
        const one = listed.get(key);
        listed.delete(key);
        if (record?.announced.state === 'connected') this.#connected += 1;
        if (one) pairs.push({ key, listed: one, record });
        else if (record && isNewsIfUnlisted(record, this.times.askedAtMs, this.source.policy)) this.#absent.push(key);
      }
      await this.#observe(pairs);
      const last = items.at(-1);
      if (!last || items.length < PAGE_SIZE) return;
      after = last;
      // SQLite is synchronous: let other work run between pages.
      await new Promise<void>(onTickEnd);
    }
  }

  /** Listed participants who are not present in the store. */
  async #compareOthers(listed: ReadonlyMap<SubjectKey, Listed>, signal: AbortSignal): Promise<void> {
    const all = [...listed.keys()];
    for (let first = 0; first < all.length; first += PAGE_SIZE) {
      signal.throwIfAborted();
      const keys = all.slice(first, first + PAGE_SIZE);
      const records = await this.parts.recorder.load(keys);
      await this.#observe(
        keys.map((key, index) => ({ key, listed: listed.get(key) as Listed, record: records[index] })),
      );
      await new Promise<void>(onTickEnd);
    }
  }

  async #observe(pairs: readonly Pair[]): Promise<void> {
    const { policy } = this.source;
    const { askedAtMs } = this.times;
    const named: Pair[] = [];
    for (const pair of pairs) {
      const isNews = isNewsIfListed(pair.record, askedAtMs, policy);
      if (isNews && pair.record?.announced.state !== 'connected') this.#missing += 1;
      if (pair.listed.devices) named.push(pair);
      else if (isNews) this.#toFind.push(pair.key);
    }
    for (let first = 0; first < named.length; first += BATCH_SIZE) {
      const recorded = await Promise.all(
        named.slice(first, first + BATCH_SIZE).map(({ key, listed: { devices = [], tag }, record }) => {
          const observation = { subject: subjectOf(key), devices, tag, ...this.times };
          return this.parts.recorder.record(observation, record, policy);
        }),
      );
      this.#corrections.push(...recorded.flatMap(({ correction }) => correction ?? []));
    }
  }
}
