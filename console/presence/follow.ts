// Keeps the list of who is present: lists once, follows the feed, resumes after an interruption, and lists again if the feed no
// longer has what was missed.
import { ApiError, errorOf, isAbort, request, send } from '../api/client.js';
import { EventParser } from '../api/event-stream.js';
import { lockedBy } from '../api/session.js';
import type { Change, ChangesPage, ParticipantResponse, ParticipantsPage } from '../api/types.js';
import { connection, learnClock, serviceNow } from './connection.js';

/** The service sends something at least every 15 s. */
const SILENCE_MS = 20_000;
const MIN_RETRY_MS = 500;
const MAX_RETRY_MS = 5_000;
const PAGE = 1_000;

export interface Follower {
  /** Replaces everything. */
  readonly listed: (items: readonly ParticipantResponse[]) => void;
  readonly changed: (changes: readonly Change[]) => void;
}

/** The position is no longer in the feed. */
class PositionGone extends Error {}

export class PresenceFollower {
  #position: string | undefined;
  #retryMs = MIN_RETRY_MS;
  readonly #stopping = new AbortController();
  /** Cuts the present attempt. */
  #attempt = new AbortController();
  #wake: () => void = () => {};
  #cutReason: string | undefined;

  constructor(private readonly follower: Follower) {}

  start(): () => void {
    connection.value = { kind: 'loading' };
    void this.#run();
    return () => {
      this.#stopping.abort();
      this.#attempt.abort();
      this.#wake();
    };
  }

  /** The service cannot be trusted to send changes: starts over from the last position, and says so until that succeeds. */
  cut(reason: string): void {
    this.#cutReason = reason;
    this.#interrupt(reason);
    this.#attempt.abort();
  }

  /** Tries at once. */
  retry(): void {
    this.#retryMs = MIN_RETRY_MS;
    this.#wake();
  }

  async #run(): Promise<void> {
    let wasGone = false;
    while (!this.#stopping.signal.aborted) {
      this.#attempt = new AbortController();
      try {
        await this.#follow(this.#attempt.signal);
      } catch (error) {
        if (this.#stopping.signal.aborted || lockedBy(error)) return;
        const isGone = error instanceof PositionGone;
        if (isGone) this.#position = undefined;
        const isGoneAgain = isGone && wasGone;
        wasGone = isGone;
        // A service that never has the position which it has just given would otherwise get requests without end.
        if (isGone && !isGoneAgain) continue;
        this.#interrupt(this.#reasonOf(error));
        await this.#pause(error instanceof ApiError ? error.retryAfterMs : undefined);
      }
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    this.#position ??= await this.#list(signal);
    await this.#catchUp(signal);
    const response = await send('/v1/changes/stream', {
      signal,
      headers: { accept: 'text/event-stream', 'last-event-id': this.#position },
    });
    if (!response.ok || !response.body) throw await errorOf(response);
    this.#cutReason = undefined;
    this.#retryMs = MIN_RETRY_MS;
    connection.value = { kind: 'live' };
    await this.#read(response.body.getReader(), signal);
    throw new ApiError(0, 'The service has ended the stream of changes.');
  }

  /** Resolves with the position of the list. */
  async #list(signal: AbortSignal): Promise<string> {
    const items: ParticipantResponse[] = [];
    let position: string | undefined;
    let cursor = '';
    for (;;) {
      const sentMs = Date.now();
      const path = `/v1/participants?state=connected,reconnecting&limit=${PAGE}${cursor}`;
      const page = await request<ParticipantsPage>(path, { signal });
      position ??= page.position;
      items.push(...page.items);
      if (page.nextCursor === undefined) {
        learnClock(page.asOf, sentMs);
        this.follower.listed(items);
        return position;
      }
      cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
    }
  }

  /** Reads what was missed, so that nothing is shown as live that is not. */
  async #catchUp(signal: AbortSignal): Promise<void> {
    for (;;) {
      const path = `/v1/changes?limit=${PAGE}&after=${encodeURIComponent(this.#position ?? '')}`;
      const page = await request<ChangesPage>(path, { signal }).catch((error: unknown) => {
        throw error instanceof ApiError && error.status === 410 ? new PositionGone() : error;
      });
      this.#position = page.position;
      if (page.items.length === 0) return;
      this.follower.changed(page.items);
    }
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>, signal: AbortSignal): Promise<void> {
    const decoder = new TextDecoder();
    const parser = new EventParser();
    let silence: ReturnType<typeof setTimeout> | undefined;
    const listen = () => {
      clearTimeout(silence);
      silence = setTimeout(() => this.cut('The service has sent nothing for a while.'), SILENCE_MS);
    };
    try {
      for (;;) {
        listen();
        const { done, value } = await reader.read();
        if (done || signal.aborted) return;
        const events = parser.add(decoder.decode(value, { stream: true }));
        const changes = events.flatMap(({ type, data }) => (isChange(type) ? [JSON.parse(data) as Change] : []));
        if (changes.length > 0) this.follower.changed(changes);
        this.#position = events.findLast(({ id }) => id !== '')?.id ?? this.#position;
        if (events.some(({ type }) => type === 'reset')) throw new PositionGone();
      }
    } finally {
      clearTimeout(silence);
      void reader.cancel().catch(() => {});
    }
  }

  #reasonOf(error: unknown): string {
    if (this.#cutReason !== undefined) return this.#cutReason;
    if (error instanceof PositionGone) return 'The change feed no longer has the changes that were missed.';
    if (error instanceof ApiError) return error.message;
    return isAbort(error) || error instanceof TypeError ? 'The connection to the service was lost.' : String(error);
  }

  #interrupt(reason: string): void {
    const { value } = connection;
    const sinceMs = value.kind === 'interrupted' ? value.sinceMs : serviceNow();
    connection.value = { kind: 'interrupted', sinceMs, reason };
  }

  async #pause(retryAfterMs = 0): Promise<void> {
    const waitMs = Math.max(this.#retryMs * (0.75 + Math.random() / 2), Math.min(retryAfterMs, MAX_RETRY_MS));
    this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function isChange(type: string): boolean {
  return type.startsWith('participant.') || type.startsWith('device.');
}
