// A client of the change stream, based on EventSource as in a real client.
import { EventSource } from 'eventsource';
import { CHANGE_TYPES } from '../../src/domain/change.js';
import { closeOnce } from '../leftovers.js';

export interface ReceivedEvent {
  readonly type: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read it like a client
  readonly data: any;
}

export interface ListenOptions {
  /** The query string, without the `?`. */
  readonly query?: string;
  readonly lastEventId?: string;
}

/** The response with a short reconnection delay in place of the service's delay of seconds. */
function withShortRetry(response: Response): Response {
  const text = new TextDecoder();
  const shorten = new TransformStream<Uint8Array, Uint8Array>({
    transform: (bytes, controller) =>
      controller.enqueue(
        new TextEncoder().encode(text.decode(bytes, { stream: true }).replace(/^retry: \d+$/gm, 'retry: 50')),
      ),
  });
  return new Response(response.body?.pipeThrough(shorten), response);
}

export class Listener {
  readonly received: ReceivedEvent[] = [];
  /** The response to each connection attempt. */
  readonly responses: Response[] = [];
  readonly #source: EventSource;
  #lastId: string | undefined;

  private constructor(serviceUrl: string, { query = '', lastEventId }: ListenOptions) {
    const first: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    this.#source = new EventSource(`${serviceUrl}/v1/changes/stream?${query}`, {
      fetch: async (input, init) => {
        const response = await fetch(input, { ...init, headers: { ...first, ...init.headers } });
        this.responses.push(response);
        return withShortRetry(response);
      },
    });
    for (const type of [...CHANGE_TYPES, 'position', 'reset']) {
      this.#source.addEventListener(type, ({ lastEventId: id, data }) => {
        this.#lastId = id;
        this.received.push({ type, id, data: JSON.parse(data) });
      });
    }
  }

  /** Resolves when the service has answered; all later events are received. */
  static async open(serviceUrl: string, options: ListenOptions = {}): Promise<Listener> {
    const listener = new Listener(serviceUrl, options);
    closeOnce(() => listener.close());
    await new Promise<void>((resolve) => {
      listener.#source.addEventListener('open', () => resolve(), { once: true });
      listener.#source.addEventListener('error', () => resolve(), { once: true });
    });
    return listener;
  }

  /** The events except those that only contain a position. */
  get changes(): ReceivedEvent[] {
    return this.received.filter(({ type }) => type !== 'position');
  }

  get types(): string[] {
    return this.changes.map(({ type }) => type);
  }

  /** The id of the newest event. */
  get lastId(): string {
    return this.#lastId ?? '';
  }

  close(): void {
    this.#source.close();
  }
}
