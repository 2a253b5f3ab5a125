import { Body, Controller, Delete, Get, HttpCode, Param, Post, UseGuards, UsePipes } from '@nestjs/common';
import { DeviceTokens } from '../provider/device-tokens.js';
import type { Participant } from '../provider/participants.js';
import { Provider } from '../provider/provider.js';
import { AccountGuard } from './account.guard.js';
import { BodyPipe, ParticipantBody } from './request-bodies.js';

/** With and without /v1, with which the base URL of the real API ends. */
export const ACCOUNT_PATHS = ['v1/accounts/:accountId', 'accounts/:accountId'];

@Controller(ACCOUNT_PATHS.map((path) => `${path}/participants`))
@UseGuards(AccountGuard)
@UsePipes(BodyPipe)
export class ParticipantsController {
  constructor(
    private readonly provider: Provider,
    private readonly tokens: DeviceTokens,
  ) {}

  @Post()
  @HttpCode(200)
  async create(@Param('accountId') accountId: string, @Body() body: ParticipantBody) {
    const participant = this.provider.participants.create(accountId, body);
    return { participant: participantResponse(participant), token: await this.tokens.issue(participant) };
  }

  @Get(':participantId')
  get(@Param('accountId') accountId: string, @Param('participantId') participantId: string) {
    return participantResponse(this.provider.participants.get(accountId, participantId));
  }

  @Delete(':participantId')
  @HttpCode(204)
  delete(@Param('accountId') accountId: string, @Param('participantId') participantId: string): void {
    this.provider.remove(this.provider.participants.get(accountId, participantId));
  }
}

export function participantResponse(participant: Participant) {
  const {
    id,
    callbackUrl = null,
    publishPermissions = [],
    sessionId,
    subscriptions,
    tag,
    deviceApiVersion,
  } = participant;
  return {
    id,
    callbackUrl,
    publishPermissions,
    sessions: sessionId === undefined ? [] : [sessionId],
    subscriptions,
    ...(tag !== undefined && { tag }),
    deviceApiVersion: deviceApiVersion ?? 'V3',
  };
}
