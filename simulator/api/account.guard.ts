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
    const { accountId } = this.customer;
    if (credentialsIn(headers.authorization, this.customer) === undefined) throw new ApiError(401, 'Unauthorized');
    if (accountId !== undefined && params.accountId !== accountId)
      throw new ApiError(403, 'Missing Authentication Token');
    return true;
  }
}

/** The user and password of an Authorization header; undefined if they are missing or not those of the customer. */
export function credentialsIn(authorization: string | undefined, { credentials }: Customer): string | undefined {
  const [, encoded = ''] = /^basic (.+)$/i.exec(authorization ?? '') ?? [];
  const given = Buffer.from(encoded, 'base64').toString();
  return given.includes(':') && (credentials === undefined || given === credentials) ? given : undefined;
}
