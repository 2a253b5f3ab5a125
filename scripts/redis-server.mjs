// The tests and the benchmark talk to a real Redis: this sees to it that there is one to start.
import { ensureProgram, findProgram } from './program.mjs';

/** Both speak the same protocol. */
const NAMES = ['redis-server', 'valkey-server'];

export function ensureRedisServer() {
  ensureProgram(NAMES, 'redis-server');
}

export function findRedisServer() {
  return findProgram(NAMES);
}
