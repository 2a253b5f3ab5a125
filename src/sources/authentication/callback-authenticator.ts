// Authenticates callbacks before their body is read. Most providers do not sign callbacks, so authentication is by a secret that
// only the provider knows, in the path of the callback URL or as Basic credentials, or by a token minted for one participant.
import type { IncomingMessage } from 'node:http';
import { localOnlyProblem, nonLocalReason } from '../../auth/local-requests.js';
import { digestOf, indexOfSecret } from '../../auth/secret.js';
import { notFoundProblem, ProblemError } from '../../http/problem.js';
import { type Grant, type TokenFault, verifyToken } from './callback-token.js';
import type { CallbackUrlLimit } from './callback-url-limit.js';

/** What a callback was authenticated with; empty if no credentials are required. */
export interface CallbackCredentials {
  /** The position in CALLBACK_SECRETS, from 1, of the secret, or of the secret that minted the token. */
  readonly secretNumber?: number;
  /** From the minted token. */
  readonly grant?: Grant;
}

type CredentialFault = TokenFault | 'wrong-secret' | 'malformed-credentials' | 'unknown-path';

interface CallbackAuthenticatorSettings {
  readonly secrets: readonly string[];
  /** Whether callbacks need credentials if secrets are configured. */
  readonly isRequired: boolean;
}

export class CallbackAuthenticator {
  readonly #secrets: readonly string[];
  readonly #digests: readonly Buffer[];
  readonly #isOpen: boolean;
  /** Why a callback without credentials is not accepted as local. With AUTH=off every callback is accepted. */
  readonly #nonLocalReason: typeof nonLocalReason;

  constructor(
    { secrets, isRequired }: CallbackAuthenticatorSettings,
    private readonly urlLimit: CallbackUrlLimit,
  ) {
    this.#secrets = secrets;
    this.#digests = secrets.map(digestOf);
    this.#isOpen = !isRequired || secrets.length === 0;
    this.#nonLocalReason = isRequired ? nonLocalReason : () => undefined;
  }

  /** `token`: the path segment after the source. Throws a problem that does not reveal the reason to the sender. */
  authenticate(
    source: string,
    token: string | undefined,
    request: IncomingMessage,
    nowMs: number,
  ): CallbackCredentials {
    if (token !== undefined) return this.#ofToken(source, token, nowMs);
    const { headers } = request;
    if (this.#isOpen) {
      const reason = this.#nonLocalReason(headers);
      if (reason) throw localOnlyProblem('CALLBACK_SECRETS', reason);
      return {};
    }
    if (headers.authorization === undefined) throw challenge();
    const password = passwordOf(headers.authorization);
    const index = indexOfSecret(password, this.#digests);
    if (index === -1) throw refused(password === '' ? 'malformed-credentials' : 'wrong-secret');
    return { secretNumber: index + 1 };
  }

  /** Always checks for both a secret and a token, so that the time taken reveals nothing. */
  #ofToken(source: string, token: string, nowMs: number): CallbackCredentials {
    const index = indexOfSecret(token, this.#digests);
    const verification = verifyToken(token, source, this.#secrets, nowMs);
    if ('grant' in verification) {
      this.urlLimit.count(verification.grant.ref, nowMs);
      return { secretNumber: verification.secretIndex + 1, grant: verification.grant };
    }
    if (index === -1) throw refused(faultOf(token, verification.fault), verification.ref);
    return { secretNumber: index + 1 };
  }
}

/** Minted tokens contain dots; secrets do not. */
function faultOf(token: string, fault: TokenFault): CredentialFault {
  if (token === '') return 'unknown-path';
  return fault === 'malformed-token' && !token.includes('.') ? 'wrong-secret' : fault;
}

/** `ref`: of a token that this service minted. */
function refused(reason: CredentialFault, ref?: string): ProblemError {
  return notFoundProblem({ reason, logFields: { ...(ref !== undefined && { ref }) } });
}

/** Bandwidth sends Basic credentials only in response to a challenge. */
function challenge(): ProblemError {
  return new ProblemError(
    'unauthorized',
    {
      detail: 'Callbacks require credentials.',
      headers: { 'www-authenticate': 'Basic realm="Rollcall callbacks", charset="UTF-8"' },
    },
    { reason: 'no-credentials' },
  );
}

/**
 * The password of Basic credentials (RFC 7617), with any user name, which ends at the first colon; '' if there is none: no
 * secret is empty.
 */
function passwordOf(authorization: string): string {
  const [, credentials = ''] = /^Basic +([\w+/=-]{1,4096}) *$/i.exec(authorization) ?? [];
  const text = Buffer.from(credentials, 'base64').toString();
  const colon = text.indexOf(':');
  return colon === -1 ? '' : text.slice(colon + 1);
}
