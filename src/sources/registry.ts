// All dialects, and the configured sources that use them. A new dialect needs a folder and a line here.
import { DEFAULT_POLICY, type PresencePolicy } from '../domain/policy.js';
import type { SourceName } from '../domain/subject.js';
import { sourceSettingName } from '../runtime/source-setting-name.js';
import { agora } from './agora/agora-source.js';
import { bandwidth } from './bandwidth/bandwidth-source.js';
import { brtc } from './brtc/brtc-source.js';
import { chimeEventBridge } from './chime/chime-eventbridge-source.js';
import { chime } from './chime/chime-source.js';
import { daily } from './daily/daily-source.js';
import { generic } from './generic/generic-source.js';
import { hms } from './hms/hms-source.js';
import { jaas } from './jaas/jaas-source.js';
import { jitsi } from './jitsi/jitsi-source.js';
import { livekit } from './livekit/livekit-source.js';
import type { Observer } from './observer.js';
import { realtimekit } from './realtimekit/realtimekit-source.js';
import type { Dialect, Source } from './source.js';
import { twilio } from './twilio/twilio-source.js';
import { vonage } from './vonage/vonage-source.js';
import { zoom } from './zoom/zoom-source.js';

export const DIALECTS: Readonly<Record<string, Dialect>> = {
  bandwidth,
  brtc,
  livekit,
  zoom,
  daily,
  twilio,
  vonage,
  agora,
  hms,
  realtimekit,
  chime,
  'chime-eventbridge': chimeEventBridge,
  jaas,
  jitsi,
  generic,
};

export interface ConfiguredSource {
  readonly name: SourceName;
  readonly dialect: string;
  /** Overrides the policy of the dialect. */
  readonly policy?: Partial<PresencePolicy>;
  /** The values of the settings of the dialect. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface RegisteredSource {
  readonly name: SourceName;
  readonly dialect: Dialect;
  readonly source: Source;
  /** Whether its callbacks must have a secret in the URL, or Basic credentials. */
  readonly needsSecret: boolean;
  readonly policy: PresencePolicy;
  /** Those without which its provider cannot be asked who is present; undefined: it can never be. */
  readonly missingSettings: readonly string[] | undefined;
}

/** A source whose provider can be asked who is present. */
export interface ObservedSource extends Pick<RegisteredSource, 'name' | 'policy'> {
  readonly observer: Observer;
}

export class SourceRegistry {
  readonly all: readonly RegisteredSource[];
  /** The dialects that no configured source is named after. */
  readonly unused: readonly Pick<RegisteredSource, 'name' | 'dialect'>[];

  readonly #policies: ReadonlyMap<SourceName, PresencePolicy>;
  readonly #policy: PresencePolicy;

  /** `policy`: that of sources which do not differ from it. Throws for a dialect that does not exist. */
  constructor(
    sources: readonly ConfiguredSource[],
    dialects: Readonly<Record<string, Dialect>> = DIALECTS,
    policy: PresencePolicy = DEFAULT_POLICY,
  ) {
    this.#policy = policy;
    this.all = sources.map(({ name, dialect: dialectName, policy: own, settings = {} }) => {
      const dialect = dialects[dialectName];
      if (!dialect) throw new Error(`the source ${name} has the unknown dialect ${dialectName}`);
      const source = dialect.create(name, settings);
      const listLagMs = source.observer?.lagMs;
      const listLag = listLagMs === undefined ? {} : { listLagMs };
      const missingSettings = dialect.observerNeeds?.flatMap((key) => {
        const template = dialect.settings?.[key]?.name;
        return template === undefined || settings[key] !== undefined ? [] : [sourceSettingName(template, name)];
      });
      const ownPolicy = { ...policy, ...dialect.policy, ...own, ...listLag };
      const needsSecret = source.authenticate === undefined || dialect.needsSecret === true;
      return { name, dialect, source, needsSecret, policy: ownPolicy, missingSettings };
    });
    this.unused = Object.entries(dialects)
      .filter(([name]) => this.all.every((source) => source.name !== name))
      .map(([name, dialect]) => ({ name: name as SourceName, dialect }));
    this.#policies = new Map(this.all.map(({ name, policy }) => [name, policy]));
  }

  get observed(): readonly ObservedSource[] {
    return this.all.flatMap(({ name, policy, source: { observer } }) => (observer ? [{ name, policy, observer }] : []));
  }

  /** Also of sources that are no longer configured: their participants are still stored. */
  policyOf(source: SourceName): PresencePolicy {
    return this.#policies.get(source) ?? this.#policy;
  }
}
