// The Endpoints API of BRTC, as in Bandwidth's OpenAPI document.
import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Post,
  Query,
  UseGuards,
  UsePipes,
} from '@nestjs/common';
import { DeviceTokens } from '../provider/device-tokens.js';
import type { Endpoint } from '../provider/endpoints.js';
import { Provider } from '../provider/provider.js';
import { ApiError } from './api-error.js';
import { EndpointGuard } from './endpoint.guard.js';
import { BodyPipe, EndpointBody, EndpointQuery, VALIDATION } from './request-bodies.js';

@Controller('v2/accounts/:accountId/endpoints')
@UseGuards(EndpointGuard)
@UsePipes(BodyPipe)
export class EndpointsController {
  constructor(
    private readonly provider: Provider,
    private readonly tokens: DeviceTokens,
  ) {}

  @Post()
  @HttpCode(201)
  async create(
    @Param('accountId') accountId: string,
    @Headers('host') host: string,
    @Body() { direction, eventCallbackUrl, eventFallbackUrl, tag }: EndpointBody,
  ) {
    const settings = { direction, eventCallbackUrl, eventFallbackUrl, tag };
    const endpoint = this.provider.createEndpoint(accountId, settings);
    const links = [link('endpoint', `${urlOf(host, accountId)}/${endpoint.id}`)];
    const data = { ...this.#described(endpoint), token: await this.tokens.issue(endpoint) };
    return { links, data, errors: [] };
  }

  @Get(':endpointId')
  get(@Param('accountId') accountId: string, @Headers('host') host: string, @Param('endpointId') endpointId: string) {
    const data = this.#described(this.provider.endpoints.get(accountId, endpointId));
    return { links: [link('self', `${urlOf(host, accountId)}/${endpointId}`)], data, errors: [] };
  }

  @Delete(':endpointId')
  @HttpCode(204)
  delete(@Param('accountId') accountId: string, @Param('endpointId') endpointId: string): void {
    this.provider.remove(this.provider.endpoints.get(accountId, endpointId));
  }

  @Get()
  list(@Param('accountId') accountId: string, @Headers('host') host: string, @Query(VALIDATION) query: EndpointQuery) {
    const { type, status, afterCursor, limit } = query;
    const isListed = (endpoint: Endpoint) => status === undefined || this.#statusOf(endpoint) === status;
    const after = afterCursor === undefined ? 0 : numberOf(afterCursor);
    const { items, total, after: next } = this.provider.endpoints.list(accountId, { isListed, after, limit });
    const href = (cursor?: string) =>
      `${urlOf(host, accountId)}?${searchOf({ type, status, limit, afterCursor: cursor })}`;
    const links = [
      link('self', href(afterCursor)),
      ...(next === undefined ? [] : [link('next', href(cursorOf(next)))]),
    ];
    const page = { pageSize: limit, totalElements: total, totalPages: Math.ceil(total / limit) };
    return { links, page, data: items.map((endpoint) => this.#summary(endpoint)), errors: [] };
  }

  #described(endpoint: Endpoint) {
    const devices = this.provider.socketsOf(endpoint.id).map(({ deviceId, openedAtMs }) => ({
      deviceId,
      status: 'CONNECTED',
      creationTimestamp: isoTime(openedAtMs),
    }));
    return { ...this.#summary(endpoint), devices };
  }

  #summary(endpoint: Endpoint) {
    const { id: endpointId, createdAtMs, expiresAtMs, tag } = endpoint;
    const times = { creationTimestamp: isoTime(createdAtMs), expirationTimestamp: isoTime(expiresAtMs) };
    return {
      endpointId,
      type: 'WEBRTC',
      status: this.#statusOf(endpoint),
      ...times,
      ...(tag !== undefined && { tag }),
    };
  }

  #statusOf({ id }: Endpoint): 'CONNECTED' | 'DISCONNECTED' {
    return this.provider.socketsOf(id).length > 0 ? 'CONNECTED' : 'DISCONNECTED';
  }
}

function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function urlOf(host: string, accountId: string): string {
  return `http://${host}/v2/accounts/${encodeURIComponent(accountId)}/endpoints`;
}

function link(rel: string, href: string) {
  return { href, rel, method: 'GET' };
}

function searchOf(query: object): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined);
  return new URLSearchParams(set.map(([name, value]): [string, string] => [name, String(value)])).toString();
}

function cursorOf(number: number): string {
  return Buffer.from(String(number)).toString('base64url');
}

function numberOf(cursor: string): number {
  const text = Buffer.from(cursor, 'base64url').toString();
  if (!/^\d{1,15}$/.test(text)) throw new ApiError(400, 'afterCursor must be that of a link');
  return Number(text);
}
