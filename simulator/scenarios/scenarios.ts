import { contactCenter } from './contact-center.js';
import { flakyMobile } from './flaky-mobile.js';
import { ghosts } from './ghosts.js';
import { massDrop } from './mass-drop.js';
import { meeting } from './meeting.js';
import type { Scenario } from './scenario.js';

/** By name, as on the command line. */
export const SCENARIOS: ReadonlyMap<string, Scenario> = new Map(
  [meeting, contactCenter, flakyMobile, massDrop, ghosts].map((scenario) => [scenario.name, scenario]),
);
