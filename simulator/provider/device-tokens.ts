// The token that a device connects with: a JWT for one participant. The browser SDK requires the claim `v`, from which it
// chooses the signalling protocol.
import { randomBytes } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import type { Participant } from './participants.js';

/** The lifetime of a session of the provider. */
const LIFETIME = '9h';

export class DeviceTokens {
  /** Like participants, tokens are valid for one run of the simulator. */
  readonly #key = randomBytes(32);

  issue({ id, accountId, tag = '' }: Participant): Promise<string> {
    return new SignJWT({ a: accountId, p: id, v: 'v3', t: tag })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuedAt()
      .setExpirationTime(LIFETIME)
      .sign(this.#key);
  }

  /** Resolves with the participant's id, or undefined if the token is not valid. */
  async read(token: string): Promise<string | undefined> {
    const verified = await jwtVerify<{ p: string }>(token, this.#key).catch(() => undefined);
    return verified?.payload.p;
  }
}
