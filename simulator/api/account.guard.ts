import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiError } from './api-error.js';

/** Injection token of the customer. */
export const CUSTOMER = Symbol('Customer');

/** Restricts who may use the API; members that are not set accept any value. */
export interface Customer {
  /** user:password */
  readonly credentials?: string;
  readonly accountId?: string;
}

/** Requires HTTP Basic credentials for every call, and an account of the customer. */
@Injectable()
export class AccountGuard implements CanActivate {
  constructor(@Inject(CUSTOMER) private readonly customer: Customer) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers, params } = context.switchToHttp().getRequest<FastifyRequest<{ Params: { accountId: string } }>>();
    const { credentials, accountId } = this.customer;
    const [, encoded] = /^basic (.+)$/i.exec(headers.authorization ?? '') ?? [];
    const given = encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString();
    const isValid = given?.includes(':') && (credentials === undefined || given === credentials);
    if (!isValid) throw new ApiError(401, 'Unauthorized');
    if (accountId !== undefined && params.accountId !== accountId)
      throw new ApiError(403, 'Missing Authentication Token');
    return true;
  }
}
