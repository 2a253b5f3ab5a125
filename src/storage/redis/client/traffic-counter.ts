// Counts what is sent to Redis over all connections of a client.
import type { Redis } from 'ioredis';
import type { Traffic } from '../../ports.js';

export class TrafficCounter implements Traffic {
  roundTrips = 0;
  commands = 0;

  /** From now on, counts each command of the connection, also those of transactions and of the client library. */
  watch(redis: Redis): void {
    const send = redis.sendCommand.bind(redis);
    redis.sendCommand = (...args) => {
      this.commands += 1;
      return send(...args);
    };
  }
}
