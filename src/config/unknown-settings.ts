// Warns about variables that look like a setting but are not: GRACE_SECONDS, REDIS_HOST, a misspelt name. Otherwise the
// default would silently apply although the operator set something else.

/** Words that other programs hardly ever use in, or at the beginning of, variable names. */
const OWN_WORDS = /(^|_)(GRACE|RETENTION|OVERLAP)(_|$)|^(ROLLCALL|FEED|CALLBACKS?|REDIS|CORS|TRUST_PROXY|MAX)_/;
/** Variables that Kubernetes and Docker set for a service or container named redis, rollcall, feed … */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)$/;
const UNIT = /_(MS|S|SECS?|SECONDS?|MIN|MINUTES?|H|HOURS?|DAYS?|BYTES|KB|MB|GB)$/;

const MAX_LENGTH_DIFFERENCE = 4;

/** Returns one line per variable, with the most similar setting. Values are not read. */
export function unknownSettings(environment: Readonly<Record<string, unknown>>, known: readonly string[]): string[] {
  return Object.keys(environment).flatMap((name) => {
    if (known.includes(name)) return [];
    const [nearest = '', distance] = nearestOf(name.toUpperCase(), known);
    const isSetting = name === name.toUpperCase() ? isNear(name, nearest, distance) : distance === 0;
    return isSetting ? [`${name} is not a setting of Rollcall and has no effect; the nearest one is ${nearest}`] : [];
  });
}

function isNear(name: string, nearest: string, distance: number): boolean {
  if (SERVICE_LINK.test(name)) return false;
  // Short names are also similar to unrelated ones: HOST and HOME.
  const maxDistance = nearest.length < 6 ? 0 : nearest.length < 9 ? 1 : 2;
  return OWN_WORDS.test(name) || distance <= maxDistance;
}

/** The distance is also 0 if only the unit, or the product name at the beginning, differs. */
function nearestOf(name: string, known: readonly string[]): [name: string | undefined, distance: number] {
  const ranked = known.map((one) => ({
    one,
    distance: stemOf(name) === stemOf(one) ? 0 : editDistance(name, one),
    shared: sharedWords(name, one),
  }));
  ranked.sort((a, b) => a.distance - b.distance);
  const [closest] = ranked;
  if (closest && closest.distance <= 2) return [closest.one, closest.distance];
  const [best] = ranked.toSorted((a, b) => b.shared - a.shared);
  return [best?.one, best?.distance ?? Number.POSITIVE_INFINITY];
}

function stemOf(name: string): string {
  return name.replace(/^ROLLCALL_/, '').replace(UNIT, '');
}

function sharedWords(name: string, other: string): number {
  const words = other.split('_');
  return name.split('_').filter((word) => words.includes(word)).length;
}

/** The Levenshtein distance; Infinity if the lengths differ much, since a start compares each variable with each setting. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > MAX_LENGTH_DIFFERENCE) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let index = 1; index <= a.length; index += 1) {
    const next = [index];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (a[index - 1] === b[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
