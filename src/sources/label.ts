// A label of a callback. An event must not be lost because of it.
import { identifierFault } from '../domain/identifier.js';
import type { Labels } from '../domain/labels.js';

/** As a member of an event; nothing if the value is not valid. */
export function withLabel(name: string, value: unknown): { readonly labels?: Labels } {
  return identifierFault(value) === undefined ? { labels: { [name]: value as string } } : {};
}
