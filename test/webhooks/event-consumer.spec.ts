// Occupancy events reach the queue of an endpoint, and so does that some were dropped.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { systemClock } from '../../src/runtime/clock.js';
import type { OccupancyEvent } from '../../src/storage/webhook-ports.js';
import { DeliveryQueue } from '../../src/webhooks/delivery/delivery-queue.js';
import { EventConsumer } from '../../src/webhooks/delivery/event-consumer.js';
import { EventLog } from '../../src/webhooks/occupancy/event-log.js';
import { encodeEvent } from '../../src/webhooks/occupancy/occupancy-event.js';
import { type OpenStorage, openSqlite } from '../contract/stores.js';
import { eventually } from '../eventually.js';
import { positionAt } from './changes.js';

const event = (number: number, tag: string) => {
  const text = encodeEvent({ type: 'tag.occupied', key: `tag ${tag}`, tag, data: { tag } });
  return { number, atMs: number, text };
};

describe('the consumer of occupancy events', () => {
  let opened: OpenStorage;
  let queue: DeliveryQueue;
  let consumer: EventConsumer;
  let job: { readonly name: string; readonly token: number };
  let logged: string[];
  beforeEach(async () => {
    logged = [];
    opened = await openSqlite();
    const token = Number(await opened.storage.leases.acquire('job', 60_000));
    job = { name: 'job', token };
    const events = [event(1, 'red'), event(2, 'red'), event(3, 'red'), event(4, 'blue'), event(5, 'red')];
    await store(events);
  });
  afterEach(async () => {
    await consumer.stop();
    await opened.discard();
  });

  const store = (events: readonly OccupancyEvent[]) =>
    opened.storage.occupancyEvents.save(job, { state: null, tags: new Map(), events }, { maxCount: 3, oldestMs: 0 });

  const consume = async (after: number, types: readonly 'tag.occupied'[], last = 5) => {
    queue = new DeliveryQueue(positionAt(1), [], undefined, after);
    const log = pino({}, { write: (line) => void logged.push(JSON.parse(line).msg) });
    const events = await EventLog.open(opened.storage.occupancyEvents, log);
    const parts = { events, clock: systemClock, log };
    consumer = new EventConsumer(queue, parts, { types, tag: 'red' }, () => {});
    consumer.start();
    await eventually(() => expect(queue.eventCursor).toBe(last));
    return queue.messages.map((message) => [message.event?.type, message.event?.number]);
  };

  it('adds those that are wanted', async () => {
    expect(await consume(2, ['tag.occupied'])).toEqual([
      ['tag.occupied', 3],
      ['tag.occupied', 5],
    ]);
  });

  it('tells how many were dropped', async () => {
    expect(await consume(0, ['tag.occupied'])).toEqual([
      ['occupancy.gap', 2],
      ['tag.occupied', 3],
      ['tag.occupied', 5],
    ]);
    expect(queue.messages[0]?.event?.data).toEqual({ type: 'occupancy.gap', missed: 2 });
  });

  it.each([
    ['another format', '{"format":2,"type":"tag.occupied"}'],
    ['no JSON', '{'],
  ])('goes on after one that cannot be decoded: %s', async (_, text) => {
    await store([{ number: 6, atMs: 6, text }, event(7, 'red'), { number: 8, atMs: 8, text }]);
    expect(await consume(5, ['tag.occupied'], 8)).toEqual([
      ['occupancy.gap', 6],
      ['tag.occupied', 7],
      ['occupancy.gap', 8],
    ]);
    expect(queue.messages[0]?.event?.data).toEqual({ type: 'occupancy.gap', missed: 1 });
    expect(logged).toEqual(Array(2).fill('an occupancy event cannot be decoded; it counts as missed'));
  });

  it('moves on past what is not wanted', async () => {
    expect(await consume(0, [])).toEqual([]);
  });
});
