/** The normalized host name: in lower case, without the brackets of an IPv6 address or a trailing dot. */
export function hostNameOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$|\.$/g, '');
}
