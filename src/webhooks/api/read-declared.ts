// Checks WEBHOOK_ENDPOINTS by the rules for requests.
import { ProblemError } from '../../http/problem.js';
import { DtoPipe } from '../../http/validation.js';
import { StartError } from '../../runtime/start-error.js';
import type { DeclaredEndpoint } from '../declared-endpoints.js';
import { MAX_ENDPOINTS } from '../endpoints.js';
import type { AddressGuard } from '../sending/address-guard.js';
import { isSecret } from '../sending/signature.js';
import { settingsOf } from './endpoint-settings.js';
import { EndpointRequest } from './requests.js';

const NAME = /^[a-z\d][a-z\d-]{0,31}$/;

/** `list`: parsed JSON. Throws StartError, which names the endpoint at fault but has none of its secrets. */
export function readDeclared(list: readonly unknown[], guard: AddressGuard): DeclaredEndpoint[] {
  if (list.length > MAX_ENDPOINTS) throw fault(`must not have more than ${MAX_ENDPOINTS} endpoints`);
  const declared = list.map((entry, n) => readOne(entry, `endpoint ${n + 1}`, guard));
  if (new Set(declared.map(({ name }) => name)).size < declared.length) throw fault('has a name twice');
  return declared;
}

function readOne(entry: unknown, where: string, guard: AddressGuard): DeclaredEndpoint {
  const { name, secret, ...members } = Object(entry) as Record<string, unknown>;
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw fault(`must have names of 1 to 32 lower-case letters, digits and -: ${where}`);
  }
  if (!isSecret(secret)) throw fault(`must have secrets of whsec_ and 24 to 64 bytes in Base64: ${where}`);
  try {
    const request = new DtoPipe().transform(members, { type: 'body', metatype: EndpointRequest }) as EndpointRequest;
    const settings = settingsOf(request);
    const urlFault = guard.urlFault(settings.url);
    if (urlFault !== undefined) throw fault(`is not valid: ${where}: url ${urlFault}`);
    return { name, secret, settings };
  } catch (error) {
    if (error instanceof ProblemError) throw fault(`is not valid: ${where}: ${error.members.detail}`);
    throw error;
  }
}

function fault(message: string): StartError {
  return new StartError(`WEBHOOK_ENDPOINTS ${message}`);
}
