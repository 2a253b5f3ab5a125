import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  HttpStatus,
  Inject,
  Param,
  Patch,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiTags } from '../../http/openapi/decorators.js';
import { invalidParameter } from '../../http/problem.js';
import { NoQuery } from '../../http/query-parameters.js';
import { requestLog } from '../../http/request-log.js';
import { Access } from '../../http/route-options.js';
import { SourceNames } from '../../http/source-names.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import { DELIVERY_STORE } from '../../storage/tokens.js';
import type { DeliveryStore } from '../../storage/webhook-ports.js';
import { Backlog, type EndpointProgress, type Unread } from '../delivery/backlog.js';
import { tryDecodeState } from '../delivery/delivery-state.js';
import { type Endpoint, type EndpointSettings, isEndpointId } from '../endpoint.js';
import { Endpoints } from '../endpoints.js';
import { Sender } from '../sending/sender.js';
import type { Stored } from '../stored-settings.js';
import { changedSettings, settingsOf } from './endpoint-settings.js';
import {
  ApiChangeEndpoint,
  ApiCreateEndpoint,
  ApiDeleteEndpoint,
  ApiGetEndpoint,
  ApiListEndpoints,
  ApiRotateSecret,
} from './operations.js';
import { declaredProblem, endpointProblem } from './problems.js';
import { EndpointPatch, EndpointRequest, RotationRequest } from './requests.js';
import {
  type CreatedEndpointResponse,
  type EndpointResponse,
  type EndpointsResponse,
  endpointResponse,
  type RotatedSecretResponse,
} from './responses.js';
import { expectedText, keyOfClient, valueWithEtag } from './stored-replies.js';

@ApiTags('webhooks')
@Controller('v1/webhooks/endpoints')
export class EndpointsController {
  constructor(
    private readonly endpoints: Endpoints,
    private readonly sender: Sender,
    private readonly backlog: Backlog,
    private readonly sources: SourceNames,
    @Inject(DELIVERY_STORE) private readonly deliveries: DeliveryStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Get()
  @Access('admin')
  @ApiListEndpoints()
  async list(@Query() _: NoQuery): Promise<EndpointsResponse> {
    const [{ items }, states] = await Promise.all([this.endpoints.list(), this.deliveries.states()]);
    const progress = items.map(({ value }) => progressOf(value, states.get(value.id) ?? null));
    return { items: await this.#responsesOf(progress) };
  }

  @Post()
  @Access('admin')
  @ApiCreateEndpoint()
  async create(
    @Req() request: FastifyRequest,
    @Body() body: EndpointRequest,
    @Query() _: NoQuery,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CreatedEndpointResponse> {
    const settings = settingsOf(body);
    await this.#check(settings);
    const created = await this.endpoints.create(settings, keyOfClient(request, idempotencyKey));
    const endpoint = valueWithEtag(created, reply, endpointProblem);
    requestLog(request).info({ endpoint: endpoint.id }, 'an endpoint for webhooks was created');
    const [secret] = endpoint.secrets;
    return Object.assign(await this.#responseOf(endpoint), { secret: secret?.text ?? '' });
  }

  @Get(':id')
  @Access('admin')
  @ApiGetEndpoint()
  async find(
    @Param('id') id: string,
    @Query() _: NoQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EndpointResponse> {
    return this.#responseOf(valueWithEtag((await this.endpoints.find(id)) ?? 'unknown', reply, endpointProblem));
  }

  @Patch(':id')
  @Access('admin')
  @ApiChangeEndpoint()
  async change(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @Body() patch: EndpointPatch,
    @Query() _: NoQuery,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EndpointResponse> {
    const stored = await this.#findForChange(id);
    const expected = expectedText(stored, ifMatch, endpointProblem);
    await this.#check(changedSettings(stored.value, patch));
    const change = (endpoint: Endpoint): Endpoint => {
      const { disabled, ...rest } = endpoint;
      const isEnabledAgain = patch.enabled === true;
      return { ...rest, ...(disabled && !isEnabledAgain && { disabled }), ...changedSettings(endpoint, patch) };
    };
    const changed = await this.endpoints.change(stored.value.id, change, expected);
    const endpoint = valueWithEtag(changed, reply, endpointProblem);
    requestLog(request).info({ endpoint: id }, 'an endpoint of webhooks was changed');
    return this.#responseOf(endpoint);
  }

  @Delete(':id')
  @Access('admin')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiDeleteEndpoint()
  async remove(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @Query() _: NoQuery,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    if (!isEndpointId(id)) throw endpointProblem('unknown');
    const stored = await this.endpoints.find(id);
    if (stored?.value.isDeclared) throw declaredProblem();
    const outcome = await this.endpoints.remove(id, expectedText(stored, ifMatch, endpointProblem));
    if (outcome !== 'done') throw endpointProblem(outcome);
    requestLog(request).info({ endpoint: id }, 'an endpoint of webhooks was deleted');
  }

  @Post(':id/secret/rotate')
  @Access('admin')
  @HttpCode(HttpStatus.OK)
  @ApiRotateSecret()
  async rotate(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @Body() { overlapSeconds }: RotationRequest,
    @Query() _: NoQuery,
  ): Promise<RotatedSecretResponse> {
    const { value } = await this.#findForChange(id);
    const previousUntilMs = this.clock.now() + overlapSeconds * 1_000;
    const rotated = await this.endpoints.rotateSecret(value.id, previousUntilMs);
    if (typeof rotated === 'string') throw endpointProblem(rotated);
    requestLog(request).info({ endpoint: id }, 'the secret of an endpoint was replaced');
    return { secret: rotated.value.secrets[0]?.text ?? '', previousUntil: rfc3339(previousUntilMs) };
  }

  async #responseOf(endpoint: Endpoint): Promise<EndpointResponse> {
    const progress = progressOf(endpoint, await this.deliveries.state(endpoint.id));
    const [response] = await this.#responsesOf([progress]);
    return response as EndpointResponse;
  }

  async #responsesOf(all: readonly EndpointProgress[]): Promise<EndpointResponse[]> {
    const unread = await this.backlog.unread(all);
    const nowMs = this.clock.now();
    return all.map((progress, n) => endpointResponse(progress, unread[n] as Unread, nowMs));
  }

  async #findForChange(id: string): Promise<Stored<Endpoint>> {
    const stored = await this.endpoints.find(id);
    if (!stored) throw endpointProblem('unknown');
    if (stored.value.isDeclared) throw declaredProblem();
    return stored;
  }

  async #check({ url, filter }: EndpointSettings): Promise<void> {
    this.sources.parse(filter.source);
    const fault = await this.sender.urlFault(url);
    if (fault !== undefined) throw invalidParameter('url', fault);
  }
}

/** `text`: the stored state; null: nothing was delivered yet. */
function progressOf(endpoint: Endpoint, text: string | null): EndpointProgress {
  return { endpoint, state: text === null ? undefined : tryDecodeState(text) };
}
