import { describe, expect, it } from '@jest/globals';
import type { ConnectionResponse, ExplainedDevice, ExplainedStep, State } from '../../console/api/types.js';
import { ticksOf, timelineOf } from '../../console/participant/timeline.js';

const at = (second: number) => new Date(second * 1_000).toISOString();

function step(second: number, state: State, more: Partial<ExplainedStep> = {}): ExplainedStep {
  const event = { kind: 'connected', occurredAt: at(second), receivedAt: at(second), delayMs: 0, overtakenBy: 0 };
  return { rule: 'opened', meaning: '', event, state, ...more };
}

function device(deviceId: string, steps: readonly ExplainedStep[], cause?: string): ExplainedDevice {
  return {
    steps,
    result: {
      deviceId,
      state: steps.at(-1)?.state ?? 'gone',
      since: at(0),
      ...(cause !== undefined && { cause }),
      connectedAt: null,
      interruptions: 0,
    },
    next: { at: at(0), rule: 'expired', meaning: '' },
  };
}

function connection(deviceId: string, from: number, to: number): ConnectionResponse {
  const times = { startedAt: at(from), connectedAt: at(from), endedAt: at(to), durationMs: (to - from) * 1_000 };
  return { participantId: 'p', source: 'bandwidth', deviceId, ...times, cause: 'left', interruptions: 0 };
}

const bars = (timeline: ReturnType<typeof timelineOf>) =>
  timeline.lanes.map(({ deviceId, bars }) => [
    deviceId,
    ...bars.map(({ state, fromMs, toMs }) => `${state} ${fromMs / 1_000}-${toMs === undefined ? '' : toMs / 1_000}`),
  ]);

describe('the timeline of a participant', () => {
  it('shows interruptions between what is connected', () => {
    const devices = [device('d', [step(10, 'connected'), step(20, 'reconnecting'), step(25, 'connected')])];
    const timeline = timelineOf({ devices }, [], 100_000);
    expect(bars(timeline)).toEqual([['d', 'connected 10-20', 'reconnecting 20-25', 'connected 25-']]);
    expect([timeline.fromMs, timeline.toMs]).toEqual([10_000, 100_000]);
  });

  it('ends where everybody has gone, when the grace period is over', () => {
    const { event: _, ...over } = step(0, 'gone', { dueAt: at(35) });
    const devices = [device('d', [step(10, 'connected'), step(20, 'reconnecting'), over], 'lost')];
    const timeline = timelineOf({ devices }, [], 100_000);
    expect(bars(timeline)).toEqual([['d', 'connected 10-20', 'reconnecting 20-35']]);
    expect(timeline.toMs).toBe(35_000);
    expect(timeline.lanes[0]?.bars.at(-1)?.cause).toBe('lost');
  });

  it('begins a new bar where a new connection followed an end that was not a step', () => {
    const previous = { cause: 'lost', endedAt: at(20) };
    const devices = [device('d', [step(10, 'connected'), step(90, 'connected', { previous })])];
    expect(bars(timelineOf({ devices }, [], 100_000))).toEqual([['d', 'connected 10-20', 'connected 90-']]);
  });

  it('adds older connections and other devices of history, each once', () => {
    const devices = [device('d', [step(50, 'connected')])];
    const history = [connection('d', 50, 60), connection('d', 10, 20), connection('e', 5, 8)];
    expect(bars(timelineOf({ devices }, history, 100_000))).toEqual([
      ['d', 'connected 10-20', 'connected 50-'],
      ['e', 'connected 5-8'],
    ]);
  });

  it('has round times on its axis', () => {
    expect(ticksOf(1_000, 61_000, 4).map((ms) => ms % 15_000)).toEqual([0, 0, 0, 0]);
    expect(ticksOf(0, 86_400_000 * 400, 5).length).toBeLessThanOrEqual(6);
  });
});
