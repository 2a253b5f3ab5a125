import { contactCenter } from './contact-center.js';
import { flakyMobile } from './flaky-mobile.js';
import { ghosts } from './ghosts.js';
import { ghosts9h } from './ghosts-9h.js';
import { massDrop } from './mass-drop.js';
import { meeting } from './meeting.js';
import { meetings9h } from './meetings-9h.js';
import { phones3h } from './phones-3h.js';
import type { Scenario } from './scenario.js';
import { shifts24h } from './shifts-24h.js';
import { twoDevices9h } from './two-devices-9h.js';

const SHORT = [meeting, contactCenter, flakyMobile, massDrop, ghosts];
/** Lives of hours, in which a mistake costs hours: mostly for runs in virtual time. */
const LONG = [shifts24h, meetings9h, phones3h, ghosts9h, twoDevices9h];

/** By name, as on the command line. */
export const SCENARIOS: ReadonlyMap<string, Scenario> = new Map(
  [...SHORT, ...LONG].map((scenario) => [scenario.name, scenario]),
);
