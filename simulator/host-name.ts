/** As hosts are compared: in lower case, an IP address without brackets, a name without the dot that may end it. */
export function hostNameOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$|\.$/g, '');
}
