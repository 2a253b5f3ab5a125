// Who may tell of presence. The provider signs nothing: what proves that a callback is its own is a secret that only it was
// given, in the path of its callbackUrl or as Basic credentials, or a token minted for one participant.
import { type Grant, readToken } from './callback-token.js';
import { digestOf, indexOfSecret } from './secret.js';

export type CallbackAccess =
  | { readonly outcome: 'open' }
  /** `grant`: of the token that was minted for it. */
  | { readonly outcome: 'admitted'; readonly grant?: Grant }
  /** Without credentials: Bandwidth sends them only when it is asked to. */
  | { readonly outcome: 'challenged' }
  | { readonly outcome: 'refused' };

const REFUSED = { outcome: 'refused' } as const;
const ADMITTED = { outcome: 'admitted' } as const;

export class CallbackDoor {
  readonly #secrets: readonly string[];
  readonly #digests: readonly Buffer[];

  /** `isOpen`: a callback without any of it is admitted, too. */
  constructor(
    secrets: readonly string[],
    private readonly isOpen: boolean,
  ) {
    this.#secrets = secrets;
    this.#digests = secrets.map(digestOf);
  }

  /** `token`: what the path ends with, after the source. */
  decide(source: string, token: string | undefined, authorization: string | undefined, nowMs: number): CallbackAccess {
    if (token !== undefined) return this.#ofToken(source, token, nowMs);
    if (this.isOpen) return { outcome: 'open' };
    if (authorization === undefined) return { outcome: 'challenged' };
    return indexOfSecret(passwordOf(authorization), this.#digests) === -1 ? REFUSED : ADMITTED;
  }

  /** Looks at all that it may be, whatever it is, so that the time taken tells nothing. */
  #ofToken(source: string, token: string, nowMs: number): CallbackAccess {
    const isSecret = indexOfSecret(token, this.#digests) !== -1;
    const grant = readToken(token, source, this.#secrets, nowMs);
    if (grant) return { outcome: 'admitted', grant };
    return isSecret ? ADMITTED : REFUSED;
  }
}

/** Of Basic credentials (RFC 7617); '' when there are none, which is no secret. The user's name may be anything. */
function passwordOf(authorization: string): string {
  const [, credentials = ''] = /^Basic +([\w+/=-]{1,4096}) *$/i.exec(authorization) ?? [];
  const text = Buffer.from(credentials, 'base64').toString();
  const colon = text.indexOf(':');
  return colon === -1 ? '' : text.slice(colon + 1);
}
