// What a body may be: JSON of limited size, depth and number of values. Anything that walks a value by recursion, as
// validation does, would run out of stack on a body of 64 KiB of brackets, and whatever is done for each value must not be
// done 500,000 times; so both are checked before there is a value.
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ProblemError } from './problem.js';
import { routeOptionsOf } from './route-options.js';

export const BODY_LIMIT_BYTES = 64 * 1024;
export const MAX_JSON_DEPTH = 32;
/** Members and elements, on all levels together. A lookup has 1,000 ids; a callback has 5 members. */
export const MAX_JSON_VALUES = 2_000;

/**
 * Takes `application/json` only; drops members that would reach for an object's prototype. A route may have another
 * limit, see route-options.ts.
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
    (_request, body, done) => {
      try {
        done(null, parse(body as Buffer));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

/** Gives the value of a body, or throws a problem. */
export function jsonBodyParser(http: FastifyInstance): (body: Buffer) => unknown {
  const parseSafely = http.getDefaultJsonParser('remove', 'remove');
  return (body) => {
    const usual = parseUsual(body);
    if (usual !== undefined) return usual;
    // Else two ids that are not UTF-8 would both be read as replacement characters, and be the same one.
    if (!isUtf8(body)) throw refusal('The body is not valid UTF-8.');
    const text = body.toString();
    if (text.trim() === '') throw refusal('The body is empty.');
    const fault = shapeFault(text);
    if (fault) throw refusal(fault);
    let value: unknown;
    // Calls back before it returns. It does not look at the request.
    void parseSafely({} as FastifyRequest, text, (error, parsed) => {
      if (error) throw refusal('The body is not valid JSON.');
      value = parsed;
    });
    return value;
  };
}

function refusal(detail: string): ProblemError {
  return new ProblemError('invalid-request', { detail }, { reason: 'malformed-body' });
}

/** The value of a body that nothing is wrong or odd with, as of nearly all; undefined: another look is needed. */
function parseUsual(body: Buffer): unknown {
  if (!isUtf8(body)) return undefined;
  const text = body.toString();
  if (shapeFault(text) || isSuspect(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether it may begin with a byte order mark, or name an object's prototype, however that is spelt: hardly ever. */
function isSuspect(text: string): boolean {
  const isSpeltOut = text.includes('__proto__') || text.includes('constructor');
  return isSpeltOut || text.includes('\\u') || text.startsWith('\ufeff');
}

/**
 * What is wrong with the shape of a text: more brackets are open at once than allowed, or there are more values, counted
 * by the commas and opening brackets outside strings. Text that is not JSON may be anything.
 */
export function shapeFault(text: string): string | undefined {
  // Nearly always: it has not as many of either, wherever they stand.
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

/** How often it is there; counting ends where it is more often than `most`. */
function count(text: string, char: '{' | '[' | ',', most: number): number {
  let found = 0;
  for (let at = text.indexOf(char); at !== -1 && found <= most; at = text.indexOf(char, at + 1)) found += 1;
  return found;
}
