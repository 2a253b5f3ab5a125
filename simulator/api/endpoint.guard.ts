import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AccessTokens } from './access-tokens.js';
import { CUSTOMER, type Customer, credentialsIn } from './account.guard.js';
import { ApiError } from './api-error.js';

/** Requires an access token or HTTP Basic credentials for every call, and an account of the customer. */
@Injectable()
export class EndpointGuard implements CanActivate {
  constructor(
    private readonly tokens: AccessTokens,
    @Inject(CUSTOMER) private readonly customer: Customer,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { headers, params } = context.switchToHttp().getRequest<FastifyRequest<{ Params: { accountId: string } }>>();
    const { authorization = '' } = headers;
    const [, token] = /^bearer (\S+)$/i.exec(authorization) ?? [];
    const isValid =
      token === undefined
        ? credentialsIn(authorization, this.customer) !== undefined
        : await this.tokens.isValid(token);
    if (!isValid) throw new ApiError(401, 'The provided credentials are not authorized to access this resource.');
    const { accountId } = this.customer;
    // The provider's own tests expect 404.
    if (accountId !== undefined && params.accountId !== accountId) {
      throw new ApiError(404, 'The requested resource was not found.');
    }
    return true;
  }
}
