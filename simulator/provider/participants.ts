// The provider's participants and sessions, in memory, with the rules from its documentation.
// Source: the published OpenAPI document of the WebRTC API, version 2.0.0.
import { randomUUID } from 'node:crypto';
import { ApiError } from '../api/api-error.js';
import type { CallbackHosts } from '../webhooks/callback-hosts.js';

export type PublishPermission = 'AUDIO' | 'VIDEO';

export interface Subscriptions {
  readonly sessionId?: string;
  readonly participants?: readonly { readonly participantId: string; readonly streamAliases?: readonly string[] }[];
}

export interface ParticipantSettings {
  readonly callbackUrl?: string | null;
  readonly publishPermissions?: readonly PublishPermission[];
  readonly tag?: string;
  readonly deviceApiVersion?: 'V3';
}

export interface Participant extends ParticipantSettings {
  readonly accountId: string;
  readonly id: string;
  sessionId?: string;
  subscriptions: Subscriptions;
}

export interface Session {
  readonly accountId: string;
  readonly id: string;
  readonly tag?: string;
  readonly participantIds: Set<string>;
}

export const MAX_SESSION_PARTICIPANTS = 20;

/** Resources of other accounts are not found. Throws ApiError. */
export class Participants {
  readonly #participants = new Map<string, Participant>();
  readonly #sessions = new Map<string, Session>();

  constructor(private readonly callbackHosts: CallbackHosts) {}

  get all(): Iterable<Participant> {
    return this.#participants.values();
  }

  create(accountId: string, settings: ParticipantSettings): Participant {
    const refusal = settings.callbackUrl ? this.callbackHosts.refusalOf(settings.callbackUrl) : undefined;
    if (refusal !== undefined) throw new ApiError(400, refusal);
    const participant = { ...settings, accountId, id: randomUUID(), subscriptions: {} };
    this.#participants.set(participant.id, participant);
    return participant;
  }

  /** In any account: the token of a device contains only the participant's id. */
  find(id: string): Participant | undefined {
    return this.#participants.get(id);
  }

  get(accountId: string, id: string): Participant {
    const participant = this.#participants.get(id);
    if (participant?.accountId !== accountId) throw new ApiError(404, `participant ${id} not found`);
    return participant;
  }

  delete(id: string): void {
    const { sessionId = '' } = this.#participants.get(id) ?? {};
    this.#sessions.get(sessionId)?.participantIds.delete(id);
    this.#participants.delete(id);
  }

  createSession(accountId: string, tag: string | undefined): Session {
    const session = {
      accountId,
      id: randomUUID(),
      ...(tag !== undefined && { tag }),
      participantIds: new Set<string>(),
    };
    this.#sessions.set(session.id, session);
    return session;
  }

  getSession(accountId: string, id: string): Session {
    const session = this.#sessions.get(id);
    if (session?.accountId !== accountId) throw new ApiError(404, `session ${id} not found`);
    return session;
  }

  /** Participants of the session are kept. */
  deleteSession(accountId: string, id: string): void {
    for (const participantId of this.getSession(accountId, id).participantIds) this.leave(accountId, id, participantId);
    this.#sessions.delete(id);
  }

  inSession(accountId: string, sessionId: string): Participant[] {
    return [...this.getSession(accountId, sessionId).participantIds].map((id) => this.get(accountId, id));
  }

  join(accountId: string, sessionId: string, id: string, subscriptions: Subscriptions | undefined): void {
    const session = this.getSession(accountId, sessionId);
    const participant = this.get(accountId, id);
    if (participant.sessionId !== undefined && participant.sessionId !== sessionId) {
      throw new ApiError(409, `participant ${id} is in session ${participant.sessionId}, and can only be in one`);
    }
    if (!session.participantIds.has(id) && session.participantIds.size >= MAX_SESSION_PARTICIPANTS) {
      throw new ApiError(
        409,
        `session ${sessionId} has ${MAX_SESSION_PARTICIPANTS} participants, which is the maximum`,
      );
    }
    if (subscriptions) this.#checkSubscriptions(session, subscriptions);
    session.participantIds.add(id);
    participant.sessionId = sessionId;
    if (subscriptions) participant.subscriptions = subscriptions;
  }

  /** Also removes the participant's subscriptions. */
  leave(accountId: string, sessionId: string, id: string): void {
    const participant = this.#member(accountId, sessionId, id);
    this.getSession(accountId, sessionId).participantIds.delete(id);
    delete participant.sessionId;
    participant.subscriptions = {};
  }

  subscriptionsOf(accountId: string, sessionId: string, id: string): Subscriptions {
    return this.#member(accountId, sessionId, id).subscriptions;
  }

  /** Replaces the participant's subscriptions. */
  subscribe(accountId: string, sessionId: string, id: string, subscriptions: Subscriptions): void {
    const participant = this.#member(accountId, sessionId, id);
    this.#checkSubscriptions(this.getSession(accountId, sessionId), subscriptions);
    participant.subscriptions = subscriptions;
  }

  #member(accountId: string, sessionId: string, id: string): Participant {
    const { participantIds } = this.getSession(accountId, sessionId);
    const participant = this.get(accountId, id);
    if (!participantIds.has(id)) throw new ApiError(404, `participant ${id} is not in session ${sessionId}`);
    return participant;
  }

  #checkSubscriptions(session: Session, { sessionId = session.id, participants = [] }: Subscriptions): void {
    if (sessionId !== session.id)
      throw new ApiError(400, `the subscriptions are for session ${sessionId}, not ${session.id}`);
    for (const { participantId } of participants) {
      if (session.participantIds.has(participantId)) continue;
      throw new ApiError(404, `participant ${participantId} is not in session ${session.id}`);
    }
  }
}
