// Headers that an endpoint wants with each request, such as a key of a gateway.

export const MAX_HEADERS = 16;
const MAX_VALUE_LENGTH = 1_024;
const NAME = /^[!#$%&'*+.^_`|~\da-z-]{1,64}$/i;
/** What HTTP allows in a value, without obsolete characters: https://www.rfc-editor.org/rfc/rfc9110#section-5.5 */
const VALUE = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/;
/** They would change how the request is sent, or what is signed. */
const RESERVED =
  /^(?:host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|content-.*|accept-encoding|user-agent|webhook-.*|svix-.*)$/i;

/** undefined: they are valid. A message about one of them begins with its name in brackets, unless the name is at fault. */
export function headersFault(headers: unknown): string | undefined {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return 'must be an object';
  const entries = Object.entries(headers);
  if (entries.length > MAX_HEADERS) return `must not have more than ${MAX_HEADERS} headers`;
  const names = new Set(entries.map(([name]) => name.toLowerCase()));
  if (names.size < entries.length) return 'must not have a header twice';
  for (const [name, value] of entries) {
    if (!NAME.test(name)) return 'has a name that no header can have';
    if (RESERVED.test(name)) return `[${name}] is set by the service`;
    if (typeof value !== 'string' || value.length > MAX_VALUE_LENGTH || !VALUE.test(value)) {
      return `[${name}] must be 1 to ${MAX_VALUE_LENGTH} visible ASCII characters`;
    }
  }
  return undefined;
}
