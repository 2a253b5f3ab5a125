// The token that a device connects with: a JWT for one participant or endpoint. The browser SDK requires the claim `v`, from
// which it chooses the signalling protocol.
import { randomBytes } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { type Party, productOf } from './party.js';

/** The lifetimes of a session and of an endpoint. */
const LIFETIMES = { bandwidth: '9h', brtc: '24h' } as const;

export class DeviceTokens {
  /** Like participants, tokens are valid for one run of the simulator. */
  readonly #key = randomBytes(32);

  issue(party: Party): Promise<string> {
    const { id, accountId, tag = '' } = party;
    return new SignJWT({ a: accountId, p: id, v: 'v3', t: tag })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuedAt()
      .setExpirationTime(LIFETIMES[productOf(party)])
      .sign(this.#key);
  }

  /** Resolves with the party's id, or undefined if the token is not valid. */
  async read(token: string): Promise<string | undefined> {
    const verified = await jwtVerify<{ p: string }>(token, this.#key).catch(() => undefined);
    return verified?.payload.p;
  }
}
