// Request bodies: JSON of limited size, depth and number of values. Code that recurses into a value, such as validation, would
// overflow the stack on 64 KiB of brackets, and 500,000 values would keep the process busy. So depth and number are checked
// on the text, before it is parsed.
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ProblemError } from './problem.js';
import { routeOptionsOf } from './route-options.js';

export const BODY_LIMIT_BYTES = 64 * 1024;
export const MAX_JSON_DEPTH = 32;
/** Members and elements on all levels together. A lookup has up to 1,000 ids, a callback 5 members. */
export const MAX_JSON_VALUES = 2_000;

/**
 * Accepts `application/json` only, and drops members that could change an object's prototype. A route can declare a body limit
 * of its own; see route-options.ts.
 */
export function acceptJsonOnly(http: FastifyInstance): void {
  const parse = jsonBodyParser(http);
  http.addHook('onRoute', (route) => {
    const { bodyLimitBytes } = routeOptionsOf(route.config);
    if (bodyLimitBytes !== undefined) route.bodyLimit = bodyLimitBytes;
  });
  http.removeAllContentTypeParsers();
  http.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: BODY_LIMIT_BYTES },
    ({ method }, body, done) => {
      // Some HTTP clients send a content type with every request.
      if (method === 'DELETE' && body.length === 0) return done(null, undefined);
      try {
        done(null, parse(body as Buffer));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

/** Returns a function that parses a body, or throws a problem. */
export function jsonBodyParser(http: FastifyInstance): (body: Buffer) => unknown {
  const parseSafely = http.getDefaultJsonParser('remove', 'remove');
  return (body) => {
    const value = parsePlain(body);
    if (value !== undefined) return value;
    // Two ids that are not UTF-8 would both decode to replacement characters and become the same id.
    if (!isUtf8(body)) throw refusal('The body is not valid UTF-8.');
    const text = body.toString();
    if (text.trim() === '') throw refusal('The body is empty.');
    const fault = shapeFault(text);
    if (fault) throw refusal(fault);
    let safeValue: unknown;
    // Synchronous, and does not use the request.
    void parseSafely({} as FastifyRequest, text, (error, parsed) => {
      if (error) throw refusal('The body is not valid JSON.');
      safeValue = parsed;
    });
    return safeValue;
  };
}

function refusal(detail: string): ProblemError {
  return new ProblemError('invalid-request', { detail }, { reason: 'malformed-body' });
}

/** Fast path for nearly all bodies. undefined: the body may be invalid or dangerous, and needs the full checks. */
function parsePlain(body: Buffer): unknown {
  if (!isUtf8(body)) return undefined;
  const text = body.toString();
  if (shapeFault(text) || isSuspect(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether the text begins with a byte order mark, or may name an object's prototype, possibly escaped. */
function isSuspect(text: string): boolean {
  const isNamed = text.includes('__proto__') || text.includes('constructor');
  return isNamed || text.includes('\\u') || text.startsWith('\ufeff');
}

/**
 * Returns what is wrong with the depth or the number of values, counted as commas and opening brackets outside strings. The
 * result is meaningless for text that is not JSON.
 */
export function shapeFault(text: string): string | undefined {
  // Fast path: there are too few brackets and commas anywhere in the text to exceed a limit.
  const brackets = count(text, '{', MAX_JSON_DEPTH) + count(text, '[', MAX_JSON_DEPTH);
  if (brackets <= MAX_JSON_DEPTH && brackets + count(text, ',', MAX_JSON_VALUES) <= MAX_JSON_VALUES) return undefined;
  let depth = 0;
  let values = 0;
  let isInString = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    if (isInString) {
      if (char === '\\') i += 1;
      else if (char === '"') isInString = false;
    } else if (char === '"') isInString = true;
    else if (char === '{' || char === '[') {
      depth += 1;
      values += 1;
    } else if (char === '}' || char === ']') depth -= 1;
    else if (char === ',') values += 1;
    if (depth > MAX_JSON_DEPTH) return `The body is nested deeper than ${MAX_JSON_DEPTH} levels.`;
    if (values > MAX_JSON_VALUES) return `The body has more than ${MAX_JSON_VALUES} members and elements.`;
  }
  return undefined;
}

/** Counts occurrences, and stops once there are more than `max`. */
function count(text: string, char: '{' | '[' | ',', max: number): number {
  let found = 0;
  for (let at = text.indexOf(char); at !== -1 && found <= max; at = text.indexOf(char, at + 1)) found += 1;
  return found;
}
