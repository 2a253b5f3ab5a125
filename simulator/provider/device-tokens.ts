// What a device shows when it connects: a JWT for one participant. The browser SDK reads from it which signalling to
// speak, and wants `v` to say so.
import { randomBytes } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import type { Participant } from './participants.js';

/** As long as the provider keeps a session. */
const LIFETIME = '9h';

export class DeviceTokens {
  /** Tokens are of one run of the simulator, as its participants are. */
  readonly #key = randomBytes(32);

  issue({ id, accountId, tag = '' }: Participant): Promise<string> {
    return new SignJWT({ a: accountId, p: id, v: 'v3', t: tag })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuedAt()
      .setExpirationTime(LIFETIME)
      .sign(this.#key);
  }

  /** The participant's id, or undefined. */
  async read(token: string): Promise<string | undefined> {
    const verified = await jwtVerify<{ p: string }>(token, this.#key).catch(() => undefined);
    return verified?.payload.p;
  }
}
