// The page at / and its API, documented in docs/simulator.md. Anyone who can reach the simulator can use it without credentials.

import { readFileSync } from 'node:fs';
import { Body, Controller, Delete, Get, Header, HttpCode, Inject, Param, Post, UsePipes } from '@nestjs/common';
import { IsIn } from 'class-validator';
import { ApiError } from '../api/api-error.js';
import { BodyPipe, ParticipantBody } from '../api/request-bodies.js';
import { DeviceTokens } from '../provider/device-tokens.js';
import { callbackUrlsOf, newDeviceId, type Party, productOf } from '../provider/party.js';
import { Provider } from '../provider/provider.js';
import type { Socket } from '../provider/socket.js';
import type { Product } from '../webhooks/webhook-format.js';

const PAGE = readFileSync(new URL('./page.html', import.meta.url), 'utf8');
/** The account of participants created on the page. */
export const PAGE_ACCOUNT = 'page';
/** Injection token of the default callback URL. */
export const CALLBACK_URL = Symbol('CallbackUrl');
/** Injection token of the product whose participants are created on the page. */
export const PRODUCT = Symbol('Product');
const MAX_SHOWN = 200;
/** The typical duration of a page reload. */
const RELOAD_MS = 800;

const ACTIONS = ['leave', 'drop', 'reload'] as const;

class ActionBody {
  @IsIn(ACTIONS, { message: `action must be one of ${ACTIONS.join(', ')}` })
  action: (typeof ACTIONS)[number];
}

@Controller()
@UsePipes(BodyPipe)
export class ControlController {
  constructor(
    private readonly provider: Provider,
    private readonly tokens: DeviceTokens,
    @Inject(CALLBACK_URL) private readonly callbackUrl: string,
    @Inject(PRODUCT) private readonly product: Product,
  ) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'")
  page(): string {
    return PAGE;
  }

  @Get('control')
  state() {
    const { parties } = this.provider;
    return {
      callbackUrl: this.callbackUrl,
      total: parties.length,
      participants: parties
        .slice(-MAX_SHOWN)
        .reverse()
        .map((party) => this.#describe(party)),
      webhooks: this.provider.log.newest,
    };
  }

  @Post('control/participants')
  async create(@Body() body: ParticipantBody) {
    const party = this.provider.create(this.product, PAGE_ACCOUNT, body);
    return { participantId: party.id, token: await this.tokens.issue(party) };
  }

  @Delete('control/participants/:participantId')
  @HttpCode(204)
  remove(@Param('participantId') participantId: string): void {
    this.provider.remove(this.#party(participantId));
  }

  @Post('control/participants/:participantId/devices')
  connect(@Param('participantId') participantId: string) {
    const party = this.#party(participantId);
    const { deviceId } = this.provider.connect(party, newDeviceId(party));
    return { deviceId };
  }

  @Post('control/participants/:participantId/devices/:deviceId')
  @HttpCode(204)
  act(
    @Param('participantId') participantId: string,
    @Param('deviceId') deviceId: string,
    @Body() { action }: ActionBody,
  ): void {
    const party = this.#party(participantId);
    const socket = this.provider.socketsOf(participantId).find((socket) => socket.deviceId === deviceId);
    if (!socket) throw new ApiError(404, `device ${deviceId} is not connected`);
    // A reload is a leave, followed by a connect.
    if (action === 'reload') this.#connectLater(party, socket);
    if (action === 'drop') socket.drop();
    else socket.remove();
  }

  /** A reloaded page comes back as a new device. Real clients must be reloaded in their browser. */
  #connectLater(party: Party, socket: Socket): void {
    if (socket.isReal) throw new ApiError(409, 'a real client must be reloaded in its browser');
    setTimeout(() => {
      const isFree = productOf(party) !== 'brtc' || this.provider.socketsOf(party.id).length === 0;
      if (this.provider.find(party.id) && isFree) this.provider.connect(party, newDeviceId(party));
    }, RELOAD_MS).unref();
  }

  #party(participantId: string): Party {
    const party = this.provider.find(participantId);
    if (!party) throw new ApiError(404, `participant ${participantId} not found`);
    return party;
  }

  #describe(party: Party) {
    const { id: participantId, accountId, tag } = party;
    const devices = this.provider.socketsOf(participantId).map(({ deviceId, isReal }) => ({ deviceId, isReal }));
    const sessionId = 'sessionId' in party ? party.sessionId : undefined;
    return { participantId, accountId, tag, sessionId, hasCallbackUrl: callbackUrlsOf(party).length > 0, devices };
  }
}
