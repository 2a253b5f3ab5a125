// The one reader of the environment. It reads all of it at the start, and the process does not start on a bad one.
import type { FeedSettings } from '../changes/changes.module.js';
import type { PresencePolicy } from '../presence/domain/policy.js';
import { SETTINGS, type Setting } from './settings.js';

type Values = { [K in keyof typeof SETTINGS]: ReturnType<(typeof SETTINGS)[K]['read']> };

export interface Config extends Omit<Values, keyof PresencePolicy | 'feedRetentionMs' | 'feedMaxBytes' | 'maxStreams'> {
  readonly policy: PresencePolicy;
  readonly feed: FeedSettings;
}

/** `problems`: a line for each bad setting, its name and what is wrong, never its value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly string[]) {
    super(`bad settings: ${problems.join('; ')}`);
  }
}

/** Throws ConfigError. An empty variable is an unset one. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const problems: string[] = [];
  const read = ({ name, fallback, read }: Setting<unknown>): unknown => {
    try {
      return read(environment[name]?.trim() || fallback);
    } catch (error) {
      problems.push(`${name} ${(error as Error).message}`);
      return undefined;
    }
  };
  const values = Object.fromEntries(Object.entries(SETTINGS).map(([key, setting]) => [key, read(setting)])) as Values;
  const { graceMs, leaveGraceMs, overlapMs, maxConnectionMs, retentionMs, ...rest } = values;
  if (retentionMs < maxConnectionMs) problems.push('RETENTION_MS must be at least MAX_CONNECTION_MS');
  if (problems.length > 0) throw new ConfigError(problems);
  const { feedRetentionMs, feedMaxBytes, maxStreams, ...others } = rest;
  const feed = { retentionMs: feedRetentionMs, maxBytes: feedMaxBytes, maxStreams };
  return { ...others, feed, policy: { graceMs, leaveGraceMs, overlapMs, maxConnectionMs, retentionMs } };
}
