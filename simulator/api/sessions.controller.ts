import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, UseGuards, UsePipes } from '@nestjs/common';
import type { Participants, Session } from '../provider/participants.js';
import { Provider } from '../provider/provider.js';
import { AccountGuard } from './account.guard.js';
import { ACCOUNT_PATHS, participantResponse } from './participants.controller.js';
import { BodyPipe, SessionBody, SubscriptionsBody } from './request-bodies.js';

/** Reads without a result answer 200 with an empty value, since the provider's own SDK cannot handle a 204 there. */
@Controller(ACCOUNT_PATHS.map((path) => `${path}/sessions`))
@UseGuards(AccountGuard)
@UsePipes(BodyPipe)
export class SessionsController {
  readonly #participants: Participants;

  constructor({ participants }: Provider) {
    this.#participants = participants;
  }

  @Post()
  @HttpCode(200)
  create(@Param('accountId') accountId: string, @Body() { tag }: SessionBody) {
    return sessionResponse(this.#participants.createSession(accountId, tag));
  }

  @Get(':sessionId')
  get(@Param('accountId') accountId: string, @Param('sessionId') sessionId: string) {
    return sessionResponse(this.#participants.getSession(accountId, sessionId));
  }

  @Delete(':sessionId')
  @HttpCode(204)
  delete(@Param('accountId') accountId: string, @Param('sessionId') sessionId: string): void {
    this.#participants.deleteSession(accountId, sessionId);
  }

  @Get(':sessionId/participants')
  list(@Param('accountId') accountId: string, @Param('sessionId') sessionId: string) {
    return this.#participants.inSession(accountId, sessionId).map(participantResponse);
  }

  @Put(':sessionId/participants/:participantId')
  @HttpCode(204)
  add(
    @Param('accountId') accountId: string,
    @Param('sessionId') sessionId: string,
    @Param('participantId') participantId: string,
    @Body() body: SubscriptionsBody,
  ): void {
    this.#participants.join(accountId, sessionId, participantId, Object.keys(body).length > 0 ? body : undefined);
  }

  @Delete(':sessionId/participants/:participantId')
  @HttpCode(204)
  remove(
    @Param('accountId') accountId: string,
    @Param('sessionId') sessionId: string,
    @Param('participantId') participantId: string,
  ): void {
    this.#participants.leave(accountId, sessionId, participantId);
  }

  @Get(':sessionId/participants/:participantId/subscriptions')
  subscriptions(
    @Param('accountId') accountId: string,
    @Param('sessionId') sessionId: string,
    @Param('participantId') participantId: string,
  ) {
    return this.#participants.subscriptionsOf(accountId, sessionId, participantId);
  }

  @Put(':sessionId/participants/:participantId/subscriptions')
  @HttpCode(204)
  subscribe(
    @Param('accountId') accountId: string,
    @Param('sessionId') sessionId: string,
    @Param('participantId') participantId: string,
    @Body() body: SubscriptionsBody,
  ): void {
    this.#participants.subscribe(accountId, sessionId, participantId, body);
  }
}

function sessionResponse({ id, tag }: Session) {
  return { id, ...(tag !== undefined && { tag }) };
}
