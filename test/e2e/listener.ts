// A client of the stream of changes, with the EventSource that its users would take.
import { EventSource } from 'eventsource';
import { CHANGE_TYPES } from '../../src/domain/change.js';
import { closeOnce } from '../leftovers.js';

export interface HeardEvent {
  readonly type: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as a client would
  readonly data: any;
}

export interface ListenOptions {
  /** What follows the `?` of the address. */
  readonly query?: string;
  readonly lastEventId?: string;
}

/** The response, but that it says to come back at once, where the service says after seconds. */
function comingBackSoon(response: Response): Response {
  const text = new TextDecoder();
  const sooner = new TransformStream<Uint8Array, Uint8Array>({
    transform: (bytes, controller) =>
      controller.enqueue(
        new TextEncoder().encode(text.decode(bytes, { stream: true }).replace(/^retry: \d+$/gm, 'retry: 50')),
      ),
  });
  return new Response(response.body?.pipeThrough(sooner), response);
}

export class Listener {
  readonly heard: HeardEvent[] = [];
  /** Of what it was answered, each time that it connected. */
  readonly responses: Response[] = [];
  readonly #source: EventSource;
  #lastId: string | undefined;

  private constructor(serviceUrl: string, { query = '', lastEventId }: ListenOptions) {
    const first: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    this.#source = new EventSource(`${serviceUrl}/v1/changes/stream?${query}`, {
      fetch: async (input, init) => {
        const response = await fetch(input, { ...init, headers: { ...first, ...init.headers } });
        this.responses.push(response);
        return comingBackSoon(response);
      },
    });
    for (const type of [...CHANGE_TYPES, 'position', 'reset']) {
      this.#source.addEventListener(type, ({ lastEventId: id, data }) => {
        this.#lastId = id;
        this.heard.push({ type, id, data: JSON.parse(data) });
      });
    }
  }

  /** Resolves when the service has answered: what comes from now on is heard. */
  static async open(serviceUrl: string, options: ListenOptions = {}): Promise<Listener> {
    const listener = new Listener(serviceUrl, options);
    closeOnce(() => listener.close());
    await new Promise<void>((resolve) => {
      listener.#source.addEventListener('open', () => resolve(), { once: true });
      listener.#source.addEventListener('error', () => resolve(), { once: true });
    });
    return listener;
  }

  /** Without those that only tell a position. */
  get changes(): HeardEvent[] {
    return this.heard.filter(({ type }) => type !== 'position');
  }

  get types(): string[] {
    return this.changes.map(({ type }) => type);
  }

  /** Of the newest event. */
  get lastId(): string {
    return this.#lastId ?? '';
  }

  close(): void {
    this.#source.close();
  }
}
