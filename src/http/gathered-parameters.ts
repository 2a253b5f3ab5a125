// Query parameters whose names have a part that the client chooses, such as `label.call`: they are gathered into one member.
import { type FieldError, shownName } from './problem.js';

interface Gathering {
  /** What the names of the parameters begin with. */
  readonly prefix: string;
  readonly maxCount: number;
  /** What is wrong with a parameter, phrased to follow its name. `name`: without the prefix. */
  readonly fault: (name: string, value: unknown) => string | undefined;
}

const gatherings = new Map<object, [property: string, gathering: Gathering][]>();

export function GatheredParameters(gathering: Gathering): PropertyDecorator {
  return (target, property) => {
    const dto = target.constructor;
    gatherings.set(dto, [...(gatherings.get(dto) ?? []), [String(property), gathering]]);
  };
}

interface Gathered {
  /** The other members. */
  readonly rest: Readonly<Record<string, unknown>>;
  readonly gathered: Readonly<Record<string, unknown>>;
  readonly errors: readonly FieldError[];
}

/** Members are not gathered if they are more than allowed: they are unknown then. */
export function gather(members: Readonly<Record<string, unknown>>, dto: object): Gathered {
  const own = gatheringsOf(dto);
  const names = own.length === 0 ? [] : Object.keys(members);
  const gathered: Record<string, unknown> = {};
  const taken = new Set<string>();
  const errors: FieldError[] = [];
  for (const [property, { prefix, maxCount, fault }] of own) {
    const found = names.filter((name) => name.startsWith(prefix));
    if (found.length === 0 || found.length > maxCount) continue;
    for (const name of found) {
      taken.add(name);
      const message = fault(name.slice(prefix.length), members[name]);
      if (message !== undefined) errors.push({ pointer: `#/${shownName(name)}`, message });
    }
    gathered[property] = Object.fromEntries(found.map((name) => [name.slice(prefix.length), members[name]]));
  }
  const rest =
    taken.size === 0 ? members : Object.fromEntries(Object.entries(members).filter(([name]) => !taken.has(name)));
  return { rest, gathered, errors };
}

/** Also those that the class inherits. */
function gatheringsOf(dto: object): [property: string, gathering: Gathering][] {
  const parent = Object.getPrototypeOf(dto) as object | null;
  return [...(gatherings.get(dto) ?? []), ...(parent ? gatheringsOf(parent) : [])];
}
