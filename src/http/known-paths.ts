// What of a request's path may be logged. A path can hold a callback secret, also in a place where none belongs: a mistyped
// one is nearly the secret. So only words that routes consist of are shown, and one short word that may be a typo.
import type { FastifyInstance } from 'fastify';
import { routeOptionsOf } from './route-options.js';

/** Shorter than any secret; secrets and ids hardly ever consist of such letters alone. */
const SHORT_WORD = /^[a-z-]{1,16}$/;
const HIDDEN = '…';
const MAX_SEGMENTS = 8;

export class KnownPaths {
  readonly #words = new Set<string>();
  /** The static segments of callback routes. */
  readonly #callbackWords = new Set<string>();
  /** The first segments of all other routes. */
  readonly #apiRoots = new Set<string>();
  /** Of the words of callback routes, those that a secret may follow. */
  readonly #sources = new Set<string>();

  /** To be called before there are routes. */
  watch(http: FastifyInstance): void {
    http.addHook('onRoute', ({ url, config }) => {
      const words = segmentsOf(url).filter((segment) => /^[\w.-]+$/.test(segment));
      for (const word of words) this.#words.add(word);
      if (routeOptionsOf(config).access !== 'callback') {
        this.#apiRoots.add(words[0] ?? '');
        return;
      }
      for (const word of words) this.#callbackWords.add(word);
      this.#sources.add(words.at(-1) ?? '');
    });
  }

  /** The path of a URL that no route has, with what may be a secret or an id replaced. */
  redact(url: string): string {
    const segments = segmentsOf(url);
    let mayBeTypo = true;
    const shown = segments.slice(0, MAX_SEGMENTS).map((segment) => {
      if (segment === '') return segment;
      const isShown = this.#words.has(segment) || (mayBeTypo && SHORT_WORD.test(segment));
      mayBeTypo &&= this.#words.has(segment) && !this.#sources.has(segment);
      return isShown ? segment : HIDDEN;
    });
    return [...shown, ...(segments.length > MAX_SEGMENTS ? [HIDDEN] : [])].join('/');
  }

  /** Whether a URL that no route has was probably meant for callbacks, however it is spelt. */
  isCallback(url: string): boolean {
    const path = decodeTwice(segmentsOf(url).join('/')).toLowerCase();
    return path.split(/[/\\;]/).some((segment) => this.#callbackWords.has(segment));
  }

  /** As `isCallback`; also a POST that is not to a path of the API, since hardly anything but webhooks is posted here. */
  isCallbackRequest(method: string | undefined, url: string): boolean {
    return this.isCallback(url) || (method === 'POST' && !this.#apiRoots.has(segmentsOf(url)[1] ?? ''));
  }

  /** The source that the path of a callback names, as far as there is one of that name. */
  sourceOf(url: string): string | undefined {
    return segmentsOf(url).find((segment) => this.#sources.has(segment));
  }
}

function segmentsOf(url: string): string[] {
  return (/^[^?#]*/.exec(url)?.[0] ?? '').split('/');
}

/** Twice, as a proxy may have encoded what was encoded before. What is not percent-encoded validly stays as it is. */
function decodeTwice(text: string): string {
  const decode = (encoded: string) =>
    encoded.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return decode(decode(text));
}
