// Errors in the formats of the provider's APIs. That of the WebRTC API has `{message}` for 401 and 403, and `{error, requestId}`
// for all others; that of BRTC has a list of errors, and its OAuth server `{error}`.
import { randomUUID } from 'node:crypto';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';

export const TOKEN_PATH = 'api/v1/oauth2/token';

/** Of errors in the API of BRTC, by status. */
const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_parameter',
  401: 'unauthorized',
  404: 'resource_not_found',
  415: 'unsupported_media_type',
};

export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: 400 | 401 | 403 | 404 | 409 | 415,
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
    await reply.code(status).send(bodyFor(url, status, message));
  }
}

function bodyFor(url: string, status: number, message: string): object {
  if (url.startsWith('/v2/')) {
    const type = ERROR_TYPES[status] ?? 'service_unavailable';
    return { links: [], data: null, errors: [{ id: randomUUID(), type, description: message, code: String(status) }] };
  }
  return url.startsWith(`/${TOKEN_PATH}`) ? { error: message } : errorBody(status, message);
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
