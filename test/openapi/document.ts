// The API document as its users see it, and validators compiled from its schemas.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

// biome-ignore lint/suspicious/noExplicitAny: JSON, as a user of the document sees it
export type Json = any;

export interface Operation {
  readonly path: string;
  readonly method: string;
  readonly operationId: string;
  readonly parameters: readonly {
    name: string;
    in: string;
    required?: boolean;
    style?: string;
    explode?: boolean;
    example?: Json;
    schema: Json;
  }[];
  readonly requestBody?: Json;
  readonly responses: Readonly<Record<string, { description: string; content?: Json; headers?: Json }>>;
}

export function operationsOf(document: Json): Operation[] {
  return Object.entries<Json>(document.paths).flatMap(([path, item]) =>
    Object.entries<Json>(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
  );
}

/** Compiles schemas of the document, which then allow no additional members. */
export function createValidators(document: Json): (schema: Json) => ValidateFunction {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
  (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
  ajv.addSchema(closed({ $id: 'document', components: document.components }), 'document');
  return (schema) => ajv.compile(closed(schema));
}

/** Every value in a JSON value for which `is` returns true, with its path. */
export function find(value: Json, is: (value: Json) => boolean, path = '#'): [path: string, value: Json][] {
  if (typeof value !== 'object' || value === null) return [];
  const inside = Object.entries(value).flatMap(([name, member]) => find(member, is, `${path}/${name}`));
  return is(value) ? [[path, value], ...inside] : inside;
}

function closed(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const members = Object.entries<Json>(schema).map(([name, value]) => {
    if (name === '$ref') return [name, value.replace('#/', 'document#/')];
    return [name, name === 'example' || name === 'examples' ? value : closed(value)];
  });
  const isObject = schema.type === 'object' && schema.properties && schema.additionalProperties === undefined;
  return { ...Object.fromEntries(members), ...(isObject && { additionalProperties: false }) };
}
