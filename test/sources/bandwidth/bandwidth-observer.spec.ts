// What Bandwidth's WebRTC API says of one participant, asked of the simulator.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Simulator } from '../../../simulator/simulator.js';
import type { ParticipantId } from '../../../src/domain/subject.js';
import { BandwidthObserver } from '../../../src/sources/bandwidth/bandwidth-observer.js';
import { FaultyProxy } from '../../reconcile/faulty-proxy.js';
import { PLAIN } from '../../simulator/settings.js';
import { startSimulator } from '../../simulator/start-simulator.js';

const { signal } = new AbortController();

describe('the observer of Bandwidth', () => {
  let simulator: Simulator;
  let proxy: FaultyProxy;
  let observer: BandwidthObserver;
  beforeEach(async () => {
    const started = await startSimulator({ ...PLAIN, customer: { credentials: 'user:password' } });
    simulator = started.simulator;
    proxy = await FaultyProxy.start(started.url);
    observer = new BandwidthObserver({ apiUrl: `${proxy.url}/v1`, accountId: '1', apiCredentials: 'user:password' });
  });
  afterEach(async () => {
    await proxy.stop();
    await simulator.close();
  });

  const find = (id: string) => observer.find({ participantId: id as ParticipantId }, signal);

  it('confirms that a participant is gone, and says nothing of one that exists', async () => {
    const participant = simulator.provider.participants.create('1', {});
    expect(await find(participant.id)).toEqual({ outcome: 'unknown' });
    simulator.provider.remove(participant);
    expect(await find(participant.id)).toEqual({ outcome: 'absent' });
  });

  it('takes any other answer for a failure', async () => {
    for (const [status, body] of [
      [404, '{"message":"Missing Authentication Token"}'],
      [404, '<h1>Not Found</h1>'],
      [200, '{}'],
      [403, '{"message":"Missing Authentication Token"}'],
    ] as const) {
      proxy.fault = (_, response) => {
        response.writeHead(status).end(body);
        return true;
      };
      await expect(find('p-1')).rejects.toMatchObject({ name: 'ProviderApiError' });
    }
  });
});
