// Which parts of a request path may be logged. A path can contain a callback secret, or most of one if it was mistyped, in any
// segment. So only the static segments of routes are shown, and one short word that may be a typo of a segment.
import type { FastifyInstance } from 'fastify';
import { routeOptionsOf } from './route-options.js';

/** Shorter than any secret; secrets and ids hardly ever consist of these characters alone. */
const SHORT_WORD = /^[a-z-]{1,16}$/;
const HIDDEN = '…';
const MAX_SEGMENTS = 8;

export class KnownPaths {
  /** The static segments of all routes. */
  readonly #words = new Set<string>();
  /** The first two segments of callback routes. Later segments also occur in other paths, so they do not identify a callback. */
  readonly #callbackWords = new Set<string>();
  /** The first segments of all other routes. */
  readonly #apiRoots = new Set<string>();
  /** The second segments of callback routes: a secret may follow them. */
  readonly #sources = new Set<string>();

  /** Must be called before any route is added. */
  watch(http: FastifyInstance): void {
    http.addHook('onRoute', ({ url, config }) => {
      const { access, isPage } = routeOptionsOf(config);
      // A webhook that is sent to a page by mistake must be logged as one.
      if (isPage) return;
      const words = segmentsOf(url).filter((segment) => /^[\w.-]+$/.test(segment));
      for (const word of words) this.#words.add(word);
      if (access !== 'callback') {
        this.#apiRoots.add(words[0] ?? '');
        return;
      }
      const [root = '', source = ''] = words;
      this.#callbackWords.add(root).add(source);
      this.#sources.add(source);
    });
  }

  /** The path of a URL that matches no route; segments that may be a secret or an id are replaced. */
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

  /** Whether a URL that matches no route was probably meant for callbacks, in any spelling. */
  isCallback(url: string): boolean {
    const path = decodeTwice(segmentsOf(url).join('/')).toLowerCase();
    return path.split(/[/\\;]/).some((segment) => this.#callbackWords.has(segment));
  }

  /** Like `isCallback`, but also true of a POST outside the API: hardly anything but webhooks is posted to this service. */
  isCallbackRequest(method: string | undefined, url: string): boolean {
    return this.isCallback(url) || (method === 'POST' && !this.#apiRoots.has(segmentsOf(url)[1] ?? ''));
  }

  /** The source in the path of a callback, if a source of that name exists. */
  sourceOf(url: string): string | undefined {
    return segmentsOf(url).find((segment) => this.#sources.has(segment));
  }
}

function segmentsOf(url: string): string[] {
  return (/^[^?#]*/.exec(url)?.[0] ?? '').split('/');
}

/** Decodes twice, since a proxy may encode a path again. Invalid percent-encoding is left as it is. */
function decodeTwice(text: string): string {
  const decode = (encoded: string) =>
    encoded.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return decode(decode(text));
}
