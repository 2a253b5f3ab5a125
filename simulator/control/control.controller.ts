// The page at / and its API, documented in docs/simulator.md. Anyone who can reach the simulator can use it without credentials.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Body, Controller, Delete, Get, Header, HttpCode, Inject, Param, Post, UsePipes } from '@nestjs/common';
import { IsIn } from 'class-validator';
import { ApiError } from '../api/api-error.js';
import { BodyPipe, ParticipantBody } from '../api/request-bodies.js';
import { DeviceTokens } from '../provider/device-tokens.js';
import type { Participant } from '../provider/participants.js';
import { Provider } from '../provider/provider.js';
import type { Socket } from '../provider/socket.js';

const PAGE = readFileSync(new URL('./page.html', import.meta.url), 'utf8');
/** The account of participants created on the page. */
export const PAGE_ACCOUNT = 'page';
/** Injection token of the default callback URL. */
export const CALLBACK_URL = Symbol('CallbackUrl');
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
  ) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'")
  page(): string {
    return PAGE;
  }

  @Get('control')
  state() {
    const participants = [...this.provider.participants.all];
    return {
      callbackUrl: this.callbackUrl,
      total: participants.length,
      participants: participants
        .slice(-MAX_SHOWN)
        .reverse()
        .map((participant) => this.#describe(participant)),
      webhooks: this.provider.log.newest,
    };
  }

  @Post('control/participants')
  async create(@Body() body: ParticipantBody) {
    const participant = this.provider.participants.create(PAGE_ACCOUNT, body);
    return { participantId: participant.id, token: await this.tokens.issue(participant) };
  }

  @Delete('control/participants/:participantId')
  @HttpCode(204)
  remove(@Param('participantId') participantId: string): void {
    this.provider.remove(this.#participant(participantId).accountId, participantId);
  }

  @Post('control/participants/:participantId/devices')
  connect(@Param('participantId') participantId: string) {
    const { deviceId } = this.provider.connect(this.#participant(participantId), randomUUID());
    return { deviceId };
  }

  @Post('control/participants/:participantId/devices/:deviceId')
  @HttpCode(204)
  act(
    @Param('participantId') participantId: string,
    @Param('deviceId') deviceId: string,
    @Body() { action }: ActionBody,
  ): void {
    const participant = this.#participant(participantId);
    const socket = this.provider.socketsOf(participantId).find((socket) => socket.deviceId === deviceId);
    if (!socket) throw new ApiError(404, `device ${deviceId} is not connected`);
    // A reload is a leave, followed by a connect.
    if (action === 'reload') this.#connectLater(participant, socket);
    if (action === 'drop') socket.drop();
    else socket.remove();
  }

  /** A reloaded page comes back as a new device. Real clients must be reloaded in their browser. */
  #connectLater(participant: Participant, socket: Socket): void {
    if (socket.isReal) throw new ApiError(409, 'a real client must be reloaded in its browser');
    setTimeout(() => {
      if (this.provider.participants.find(participant.id)) this.provider.connect(participant, randomUUID());
    }, RELOAD_MS).unref();
  }

  #participant(participantId: string): Participant {
    const participant = this.provider.participants.find(participantId);
    if (!participant) throw new ApiError(404, `participant ${participantId} not found`);
    return participant;
  }

  #describe({ id, accountId, tag, callbackUrl, sessionId }: Participant) {
    const devices = this.provider.socketsOf(id).map(({ deviceId, isReal }) => ({ deviceId, isReal }));
    return { participantId: id, accountId, tag, sessionId, hasCallbackUrl: Boolean(callbackUrl), devices };
  }
}
