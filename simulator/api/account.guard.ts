import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiError } from './api-error.js';

/** For injection. */
export const CUSTOMER = Symbol('Customer');

/** Who may use the API; what is not set may be anything. */
export interface Customer {
  /** user:password */
  readonly credentials?: string;
  readonly accountId?: string;
}

/** HTTP Basic on every call, and an account that the user has. */
@Injectable()
export class AccountGuard implements CanActivate {
  constructor(@Inject(CUSTOMER) private readonly customer: Customer) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers, params } = context.switchToHttp().getRequest<FastifyRequest<{ Params: { accountId: string } }>>();
    const { credentials, accountId } = this.customer;
    const [, encoded] = /^basic (.+)$/i.exec(headers.authorization ?? '') ?? [];
    const shown = encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString();
    const isKnown = shown?.includes(':') && (credentials === undefined || shown === credentials);
    if (!isKnown) throw new ApiError(401, 'Unauthorized');
    if (accountId !== undefined && params.accountId !== accountId)
      throw new ApiError(403, 'Missing Authentication Token');
    return true;
  }
}
