/**
 * An http or https URL without credentials, query and slashes at the end; undefined: the text is anything else. Of the parsed URL,
 * since parsers silently drop, add and escape characters.
 */
export function plainUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !/[?#\s\\]/.test(text);
  return isPlain ? url.href.replace(/\/+$/, '') : undefined;
}
