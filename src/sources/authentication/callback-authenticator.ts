// Who may tell of presence. The provider signs nothing: what proves that a callback is its own is a secret that only it was
// given, in the path of its callbackUrl or as Basic credentials, or a token minted for one participant.

import type { ForeignReason } from '../../auth/local-requests.js';
import { digestOf, indexOfSecret } from '../../auth/secret.js';
import { type Grant, readToken, type TokenFault } from './callback-token.js';

/** What a callback was admitted with; nothing where it is open. */
export interface CallbackCredentials {
  /** The place of the secret, its own or that of its token, in CALLBACK_SECRETS, from 1. */
  readonly secretNumber?: number;
  /** Of the token that was minted for it. */
  readonly grant?: Grant;
}

export type CallbackAccess =
  | { readonly outcome: 'open' }
  | ({ readonly outcome: 'admitted' } & CallbackCredentials)
  /** Too many callbacks to a minted URL within a minute. */
  | { readonly outcome: 'limited'; readonly ref: string; readonly waitS: number }
  /** It would be open to a request that is made on this machine. */
  | { readonly outcome: 'foreign'; readonly reason: ForeignReason }
  /** Without credentials: Bandwidth sends them only when it is asked to. */
  | { readonly outcome: 'challenged' }
  /** The caller is not told why; `ref`: of a token that was minted here. */
  | { readonly outcome: 'refused'; readonly reason: CredentialFault; readonly ref?: string };

type CredentialFault = TokenFault | 'wrong-secret' | 'malformed-credentials' | 'unknown-path';

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
    const password = passwordOf(authorization);
    const index = indexOfSecret(password, this.#digests);
    if (index !== -1) return { outcome: 'admitted', secretNumber: index + 1 };
    return { outcome: 'refused', reason: password === '' ? 'malformed-credentials' : 'wrong-secret' };
  }

  /** Looks at all that it may be, whatever it is, so that the time taken tells nothing. */
  #ofToken(source: string, token: string, nowMs: number): CallbackAccess {
    const index = indexOfSecret(token, this.#digests);
    const reading = readToken(token, source, this.#secrets, nowMs);
    if ('grant' in reading) {
      return { outcome: 'admitted', secretNumber: reading.secretIndex + 1, grant: reading.grant };
    }
    if (index !== -1) return { outcome: 'admitted', secretNumber: index + 1 };
    return { outcome: 'refused', ...reading, reason: faultOf(token, reading.fault) };
  }
}

/** A token that was minted has dots, and a secret has none. */
function faultOf(token: string, fault: TokenFault): CredentialFault {
  if (token === '') return 'unknown-path';
  return fault === 'malformed-token' && !token.includes('.') ? 'wrong-secret' : fault;
}

/** Of Basic credentials (RFC 7617); '' when there are none, which is no secret. The user's name may be anything. */
function passwordOf(authorization: string): string {
  const [, credentials = ''] = /^Basic +([\w+/=-]{1,4096}) *$/i.exec(authorization) ?? [];
  const text = Buffer.from(credentials, 'base64').toString();
  const colon = text.indexOf(':');
  return colon === -1 ? '' : text.slice(colon + 1);
}
