// Parsers for the values of command-line options. Each throws an InvalidArgumentError that says which values are valid.
import { isIPv6 } from 'node:net';
import { InvalidArgumentError } from 'commander';
import { hostNameOf } from './host-name.js';
import type { Scenario } from './scenarios/scenario.js';
import { SCENARIOS } from './scenarios/scenarios.js';
import { PRODUCTS, type Product } from './webhooks/webhook-format.js';

const MAX_TIME_MS = 600_000;
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

export function scenario(name: string): Scenario {
  const found = SCENARIOS.get(name);
  if (found) return found;
  const names = [...SCENARIOS.keys()];
  const meant = nearest(name, names);
  throw new InvalidArgumentError(`${meant ? `Did you mean ${meant}? ` : ''}Scenarios: ${names.join(', ')}.`);
}

export function product(name: string): Product {
  const found = PRODUCTS.find((one) => one === name);
  if (found) return found;
  throw new InvalidArgumentError(`Use one of ${PRODUCTS.join(', ')}.`);
}

export function httpUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('Use a URL like http://127.0.0.1:3000/callbacks/bandwidth.');
}

/** Parses a comma-separated list of names and IP addresses to the format of hostNameOf. */
export function hosts(text: string): string[] {
  return text.split(',').map((item) => host(item.trim()));
}

function host(text: string): string {
  const address = `http://${isIPv6(text) ? `[${text}]` : text}`;
  if ((isIPv6(text) || /^[\w.-]+$/.test(text)) && URL.canParse(address)) return hostNameOf(new URL(address));
  throw new InvalidArgumentError(
    'Use host names or IP addresses without a port, like host.docker.internal,192.168.1.5.',
  );
}

export function credentials(text: string): string {
  if (text.includes(':')) return text;
  throw new InvalidArgumentError('Use a user name and a password, like user:password.');
}

export function port(text: string): number {
  return whole(text, 0, 65_535);
}

export function count(text: string): number {
  return whole(text, 1, 1_000_000);
}

export function attempts(text: string): number {
  return whole(text, 1, 20);
}

export function perSecond(text: string): number {
  const value = decimal(text);
  if (value > 0 && value <= 1_000_000) return value;
  throw new InvalidArgumentError('Use a number above 0 and up to 1000000, like 50 or 0.5.');
}

/** From 0 to 1. A bare number is refused, since 1 could mean 1 % or 100 %. */
export function percentage(text: string): number {
  const value = text.endsWith('%') ? decimal(text.slice(0, -1)) : Number.NaN;
  if (value <= 100) return value / 100;
  throw new InvalidArgumentError('Use a percentage from 0% to 100%, like 1% or 0.5%.');
}

/** In milliseconds. */
export function time(text: string): number {
  const valueMs = timeMs(text);
  if (valueMs <= MAX_TIME_MS) return valueMs;
  throw new InvalidArgumentError('Use a time with its unit, up to 10m, like 500ms, 2s or 1m.');
}

/** In milliseconds, negative with a minus sign. */
export function signedTime(text: string): number {
  const valueMs = text.startsWith('-') ? -timeMs(text.slice(1)) : timeMs(text);
  if (Math.abs(valueMs) <= MAX_TIME_MS) return valueMs;
  throw new InvalidArgumentError('Use a time with its unit, from -10m to 10m, like 2s or -500ms.');
}

/** In milliseconds, at least 1. */
export function timeout(text: string): number {
  const valueMs = timeMs(text);
  if (valueMs >= 1 && valueMs <= MAX_TIME_MS) return valueMs;
  throw new InvalidArgumentError('Use a time with its unit, from 1ms to 10m, like 500ms, 2s or 1m.');
}

export function whole(text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(`Use a whole number from ${min} to ${max}.`);
}

function timeMs(text: string): number {
  const [, digits = '', unit = ''] = /^(.+?)(ms|s|m)$/.exec(text) ?? [];
  return decimal(digits) * (UNITS_MS[unit] ?? Number.NaN);
}

function decimal(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
}

/** undefined when every name differs in more than half of its letters. */
function nearest(text: string, names: readonly string[]): string | undefined {
  const distances = names.map((name) => ({ name, distance: editDistance(text, name) }));
  const near = distances.filter(({ name, distance }) => distance <= name.length / 2);
  return near.toSorted((one, other) => one.distance - other.distance)[0]?.name;
}

/** The Levenshtein distance; 0 for a prefix of the name. */
function editDistance(text: string, name: string): number {
  if (text !== '' && name.startsWith(text)) return 0;
  let row = Array.from({ length: name.length + 1 }, (_, index) => index);
  for (let index = 0; index < text.length; index += 1) {
    const next = [index + 1];
    for (let n = 1; n <= name.length; n += 1) {
      const replaced = (row[n - 1] ?? 0) + (text[index] === name[n - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[n] ?? 0) + 1, (next[n - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[name.length] ?? 0;
}
