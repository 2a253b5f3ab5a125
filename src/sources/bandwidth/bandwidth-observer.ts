// Asks Bandwidth's WebRTC API whether a participant still exists. It does not say whether anybody is connected, so only an
// absence is an answer: a participant that is gone, or no longer active, is not found.
import type { ParticipantId } from '../../domain/subject.js';
import { membersOf } from '../json-callback.js';
import type { Finding, Observer } from '../observer.js';
import { notUnderstood, requestJson } from '../provider-api.js';

const LAG_MS = 5_000;

export class BandwidthObserver implements Observer {
  readonly lagMs = LAG_MS;

  constructor(
    private readonly api: { readonly apiUrl: string; readonly accountId: string; readonly apiCredentials: string },
  ) {}

  async find({ participantId }: { readonly participantId: ParticipantId }, signal: AbortSignal): Promise<Finding> {
    const { apiUrl, accountId, apiCredentials } = this.api;
    const [account, id] = [accountId, participantId].map(encodeURIComponent);
    const headers = { authorization: `Basic ${Buffer.from(apiCredentials).toString('base64')}` };
    const url = `${apiUrl}/accounts/${account}/participants/${id}`;
    const { status, json } = await requestJson(url, { headers, accepted: [404], signal });
    const { id: found, error, requestId } = membersOf(json);
    if (status === 200 && found === participantId) return { outcome: 'unknown' };
    // Not the 404 of a proxy, or of a wrong address.
    if (status === 404 && typeof error === 'string' && typeof requestId === 'string') return { outcome: 'absent' };
    throw notUnderstood('a participant');
  }
}
