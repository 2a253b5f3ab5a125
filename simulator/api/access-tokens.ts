// The tokens that OAuth clients call the API with.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { jwtVerify, SignJWT } from 'jose';

export const ACCESS_TOKEN_LIFETIME_S = 3_600;

@Injectable()
export class AccessTokens {
  /** Tokens are valid for one run of the simulator. */
  readonly #key = randomBytes(32);

  issue(clientId: string): Promise<string> {
    return new SignJWT({})
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(clientId)
      .setIssuedAt()
      .setExpirationTime(`${ACCESS_TOKEN_LIFETIME_S} s`)
      .sign(this.#key);
  }

  isValid(token: string): Promise<boolean> {
    return jwtVerify(token, this.#key).then(
      () => true,
      () => false,
    );
  }
}
