// The OAuth 2.0 client credentials grant: https://www.rfc-editor.org/rfc/rfc6749#section-4.4.
import { Body, Controller, Headers, HttpCode, Inject, Post } from '@nestjs/common';
import { ACCESS_TOKEN_LIFETIME_S, AccessTokens } from './access-tokens.js';
import { CUSTOMER, type Customer, credentialsIn } from './account.guard.js';
import { ApiError, TOKEN_PATH } from './api-error.js';

@Controller(TOKEN_PATH)
export class OauthController {
  constructor(
    private readonly tokens: AccessTokens,
    @Inject(CUSTOMER) private readonly customer: Customer,
  ) {}

  @Post()
  @HttpCode(200)
  async issue(@Headers('authorization') authorization?: string, @Body() body?: Record<string, unknown>) {
    const given = credentialsIn(authorization, this.customer);
    if (given === undefined) throw new ApiError(401, 'invalid_client');
    if (body?.grant_type !== 'client_credentials') throw new ApiError(400, 'unsupported_grant_type');
    const [clientId = ''] = given.split(':');
    const accessToken = await this.tokens.issue(clientId);
    return { access_token: accessToken, token_type: 'Bearer', expires_in: ACCESS_TOKEN_LIFETIME_S };
  }
}
