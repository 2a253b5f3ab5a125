// Members whose names a client chooses, such as labels: class-transformer fails on some names that are valid, such as `constructor`.
const properties = new Map<object, string[]>();

/** The member is validated, but not transformed. */
export function AsSent(): PropertyDecorator {
  return (target, property) => {
    const dto = target.constructor;
    properties.set(dto, [...(properties.get(dto) ?? []), String(property)]);
  };
}

export function isAsSent(dto: object, property: string): boolean {
  return properties.get(dto)?.includes(property) ?? false;
}
