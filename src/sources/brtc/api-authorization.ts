// The credentials for Bandwidth's API: OAuth 2.0 client credentials (RFC 6749, section 4.4), whose token is kept until shortly before
// it expires, or HTTP Basic.
import { membersOf } from '../json-callback.js';
import { notUnderstood, requestJson } from '../provider-api.js';

export interface ApiCredentials {
  readonly apiUrl: string;
  /** As `id:secret`. */
  readonly apiCredentials: string;
  readonly apiAuth: 'oauth' | 'basic';
}

const RENEW_BEFORE_MS = 60_000;

interface Token {
  readonly header: string;
  readonly untilMs: number;
}

export class Authorization {
  readonly #basic: string;
  readonly #tokenUrl: string | undefined;
  #token: Promise<Token> | undefined;

  constructor({ apiUrl, apiCredentials, apiAuth }: ApiCredentials) {
    this.#basic = `Basic ${Buffer.from(apiCredentials).toString('base64')}`;
    this.#tokenUrl = apiAuth === 'oauth' ? `${apiUrl}/api/v1/oauth2/token` : undefined;
  }

  /** The header `Authorization`. Rejects with ProviderApiError. */
  async header(signal: AbortSignal): Promise<string> {
    const url = this.#tokenUrl;
    if (url === undefined) return this.#basic;
    const known = await this.#token?.catch(() => undefined);
    if (known && known.untilMs > Date.now()) return known.header;
    this.#token = this.#fetchToken(url, signal);
    return (await this.#token).header;
  }

  /** Returns whether there was one. */
  forgetToken(): boolean {
    const isKnown = this.#token !== undefined;
    this.#token = undefined;
    return isKnown;
  }

  async #fetchToken(url: string, signal: AbortSignal): Promise<Token> {
    const headers = { authorization: this.#basic, 'content-type': 'application/x-www-form-urlencoded' };
    const { json } = await requestJson(url, { method: 'POST', headers, body: 'grant_type=client_credentials', signal });
    const { access_token: token, expires_in: lifetimeS } = membersOf(json);
    if (typeof token !== 'string' || typeof lifetimeS !== 'number') throw notUnderstood('an access token');
    return { header: `Bearer ${token}`, untilMs: Date.now() + lifetimeS * 1_000 - RENEW_BEFORE_MS };
  }
}
