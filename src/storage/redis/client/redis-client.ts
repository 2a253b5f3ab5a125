// How commands reach the server that holds a slot: the only one there is, or a node of a cluster.
import type { Redis } from 'ioredis';
import type { TrafficCounter } from './traffic-counter.js';

/**
 * Must send one command or one transaction, at once: it may be called again if the slot has moved. All keys must be in one slot,
 * unless there is only one server. Once that is answered, it may send commands without keys over the same connection.
 */
export type SendCommands<T> = (commands: Redis) => Promise<T>;

export interface RedisClient {
  /** Whether one server holds all slots. */
  readonly isOneServer: boolean;
  /** Rejects or throws with the reason while the server that holds the slot cannot be used. */
  run<T>(slot: number, send: SendCommands<T>): Promise<T>;
  /** `run` on a connection for commands that block, which would delay all others: one for each slot that may be elsewhere. */
  runBlocking<T>(slot: number, send: SendCommands<T>): Promise<T>;
  /** Ends all commands that block. */
  stopBlocking(): void;
  /** Identifies the process of the server that holds the slot; undefined if there has been none yet. */
  runIdOf(slot: number): string | undefined;
  /** Since the first connection, to all servers. */
  readonly reconnects: number;
  readonly traffic: TrafficCounter;
  /** `listener` is called whenever a server was connected and verified. */
  onVerified(listener: () => void): void;
  /** Resolves when all pending commands are answered. */
  close(): Promise<void>;
}
