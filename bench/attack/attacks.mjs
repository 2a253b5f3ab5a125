// All attacks, by name. `purpose` is printed in the help; `seconds` is the minimum duration of longer attacks.
import { connectionFlood } from './attacks/connection-flood.mjs';
import { endlessBodies } from './attacks/endless-bodies.mjs';
import { failedKeys } from './attacks/failed-keys.mjs';
import { growingRecord } from './attacks/growing-record.mjs';
import { halfClosed } from './attacks/half-closed.mjs';
import { lookupMembers } from './attacks/lookup-members.mjs';
import { missingBodies } from './attacks/missing-bodies.mjs';
import { newParticipants } from './attacks/new-participants.mjs';
import { oddPaths } from './attacks/odd-paths.mjs';
import { quarantined } from './attacks/quarantined.mjs';
import { queryNames } from './attacks/query-names.mjs';
import { readiness } from './attacks/readiness.mjs';
import { resets } from './attacks/resets.mjs';
import { scanningPolls } from './attacks/scanning-polls.mjs';
import { slowHeaders } from './attacks/slow-headers.mjs';
import { unreadAssets } from './attacks/unread-assets.mjs';
import { unreadConnections } from './attacks/unread-connections.mjs';
import { unreadLists } from './attacks/unread-lists.mjs';
import { unreadLookups } from './attacks/unread-lookups.mjs';
import { unreadPages } from './attacks/unread-pages.mjs';
import { unreadPolls } from './attacks/unread-polls.mjs';
import { unreadStreams } from './attacks/unread-streams.mjs';

export const ATTACKS = new Map(
  [
    connectionFlood,
    endlessBodies,
    failedKeys,
    growingRecord,
    halfClosed,
    lookupMembers,
    missingBodies,
    newParticipants,
    oddPaths,
    quarantined,
    queryNames,
    readiness,
    resets,
    scanningPolls,
    slowHeaders,
    unreadAssets,
    unreadConnections,
    unreadLists,
    unreadLookups,
    unreadPages,
    unreadPolls,
    unreadStreams,
  ].map((attack) => [attack.name, attack]),
);
