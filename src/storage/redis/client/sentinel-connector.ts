// Lets the client library connect to the master that the Sentinels name, anew for each attempt. The library's own
// connector reports faults only as text, and asks the Sentinels one after another.
import { createConnection, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector } from 'ioredis';
import { definedOf } from './connection-options.js';
import { findMaster } from './find-master.js';
import type { RedisAddress, ServerPlace } from './redis-address.js';

const DISCONNECT_TIMEOUT_MS = 500;

/** `onFound` is called with the master before it is connected to. */
export function sentinelConnector(address: RedisAddress, onFound: (master: ServerPlace) => void) {
  return class SentinelConnector extends AbstractConnector {
    constructor() {
      super(DISCONNECT_TIMEOUT_MS);
    }

    async connect() {
      this.connecting = true;
      try {
        // Not only if it is certain: with most Sentinels gone, the master may well be available.
        const { place: master } = await findMaster(address);
        if (!this.connecting) throw new Error('Connection is closed.');
        onFound(master);
        this.stream = address.isTls
          ? connectTls({ ...master, ...definedOf(address.tls ?? {}) })
          : createConnection(master);
      } catch (error) {
        // The library gives up for good if this rejects, and tries again after a connection that is closed.
        this.stream = new Socket().destroy();
        this.firstError = error as Error;
      }
      this.stream.once('error', (error) => {
        this.firstError = error;
      });
      return this.stream;
    }
  };
}
