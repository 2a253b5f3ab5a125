// Errors in the formats of the provider's API: `{message}` for 401 and 403, `{error, requestId}` for all others.
import { randomUUID } from 'node:crypto';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';

export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: 400 | 401 | 403 | 404 | 409,
    message: string,
  ) {
    super(message);
  }
}

@Catch()
export class ApiErrorFilter implements ExceptionFilter {
  async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const { url } = host.switchToHttp().getRequest<FastifyRequest>();
    const { status, message } = toApiError(error, url);
    if (status === 401) reply.header('www-authenticate', 'Basic realm="Bandwidth simulator"');
    await reply.code(status).send(errorBody(status, message));
  }
}

export function errorBody(status: number, message: string): object {
  return status === 401 || status === 403 ? { message } : { error: message, requestId: randomUUID() };
}

function toApiError(error: unknown, url: string): { status: number; message: string } {
  if (error instanceof ApiError) return error;
  const status =
    error instanceof HttpException ? error.getStatus() : ((error as { statusCode?: number }).statusCode ?? 500);
  // The provider's gateway answers unknown calls like this.
  if (status === 404 && /^\/(v1|accounts)\//.test(url)) return { status: 403, message: 'Missing Authentication Token' };
  return { status, message: (error as Error).message };
}
