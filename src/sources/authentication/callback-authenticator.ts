// Who may send callbacks, decided before the body is read. Most providers sign nothing: what proves that a callback is theirs
// is a secret that only they were given, in the path of the callback URL or as Basic credentials, or a token that was minted for
// one participant.
import type { IncomingMessage } from 'node:http';
import { foreignProblem, foreignReason } from '../../auth/local-requests.js';
import { digestOf, indexOfSecret } from '../../auth/secret.js';
import { notFoundProblem, ProblemError } from '../../http/problem.js';
import { type Grant, readToken, type TokenFault } from './callback-token.js';
import type { CallbackUrlLimit } from './callback-url-limit.js';

/** What a callback was authenticated with; nothing where none is needed. */
export interface CallbackCredentials {
  /** The place of the secret, its own or that of its token, in CALLBACK_SECRETS, from 1. */
  readonly secretNumber?: number;
  /** Of the token that was minted for it. */
  readonly grant?: Grant;
}

type CredentialFault = TokenFault | 'wrong-secret' | 'malformed-credentials' | 'unknown-path';

interface CallbackAuthenticatorSettings {
  readonly secrets: readonly string[];
  /** Whether callbacks need credentials once there are secrets. */
  readonly isRequired: boolean;
}

export class CallbackAuthenticator {
  readonly #secrets: readonly string[];
  readonly #digests: readonly Buffer[];
  readonly #isOpen: boolean;
  /** Why a callback without credentials may not have been made on this machine. With AUTH=off all may send. */
  readonly #foreignReason: typeof foreignReason;

  constructor(
    { secrets, isRequired }: CallbackAuthenticatorSettings,
    private readonly urlLimit: CallbackUrlLimit,
  ) {
    this.#secrets = secrets;
    this.#digests = secrets.map(digestOf);
    this.#isOpen = !isRequired || secrets.length === 0;
    this.#foreignReason = isRequired ? foreignReason : () => undefined;
  }

  /** `token`: what follows the source in the path. Throws a problem, which does not tell the sender why. */
  authenticate(
    source: string,
    token: string | undefined,
    request: IncomingMessage,
    nowMs: number,
  ): CallbackCredentials {
    if (token !== undefined) return this.#ofToken(source, token, nowMs);
    const { headers } = request;
    if (this.#isOpen) {
      const reason = this.#foreignReason(headers);
      if (reason) throw foreignProblem('CALLBACK_SECRETS', reason);
      return {};
    }
    if (headers.authorization === undefined) throw challenge();
    const password = passwordOf(headers.authorization);
    const index = indexOfSecret(password, this.#digests);
    if (index === -1) throw refused(password === '' ? 'malformed-credentials' : 'wrong-secret');
    return { secretNumber: index + 1 };
  }

  /** Looks at all that it may be, whatever it is, so that the time taken tells nothing. */
  #ofToken(source: string, token: string, nowMs: number): CallbackCredentials {
    const index = indexOfSecret(token, this.#digests);
    const reading = readToken(token, source, this.#secrets, nowMs);
    if ('grant' in reading) {
      this.urlLimit.count(reading.grant.ref, nowMs);
      return { secretNumber: reading.secretIndex + 1, grant: reading.grant };
    }
    if (index === -1) throw refused(faultOf(token, reading.fault), reading.ref);
    return { secretNumber: index + 1 };
  }
}

/** A token that was minted has dots, and a secret has none. */
function faultOf(token: string, fault: TokenFault): CredentialFault {
  if (token === '') return 'unknown-path';
  return fault === 'malformed-token' && !token.includes('.') ? 'wrong-secret' : fault;
}

/** `ref`: of a token that was minted here. */
function refused(reason: CredentialFault, ref?: string): ProblemError {
  return notFoundProblem({ reason, facts: { ...(ref !== undefined && { ref }) } });
}

/** Bandwidth sends Basic credentials only when it is asked to. */
function challenge(): ProblemError {
  return new ProblemError(
    'unauthorized',
    {
      detail: 'Callbacks need credentials.',
      headers: { 'www-authenticate': 'Basic realm="Rollcall callbacks", charset="UTF-8"' },
    },
    { reason: 'no-credentials' },
  );
}

/** Of Basic credentials (RFC 7617); '' when there are none, which is no secret. The user's name may be anything. */
function passwordOf(authorization: string): string {
  const [, credentials = ''] = /^Basic +([\w+/=-]{1,4096}) *$/i.exec(authorization) ?? [];
  const text = Buffer.from(credentials, 'base64').toString();
  const colon = text.indexOf(':');
  return colon === -1 ? '' : text.slice(colon + 1);
}
