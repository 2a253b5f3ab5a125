// Example values for the API document, in the format that a running service mints.
import { LABELS_EXAMPLE, PARTICIPANT_REF_EXAMPLE } from '../../http/openapi/examples.js';

const REF = 'nWZH7-xaSCAq13rOG_zfXQBrBVkY';
const CLAIMS =
  'eyJ0YWciOiJhZ2VudC0xNyIsInBhcnRpY2lwYW50UmVmIjoidXNlci00NzExIiwibGFiZWxzIjp7ImNhbGwiOiI0MiIsInVzZXIiOiJ1LTcifX0';
export const CALLBACK_TOKEN_EXAMPLE = `${REF}.${CLAIMS}.k7NcKewS.VfMpCnqGgLUHXAdxb5wjwHiiiJJAi6OUYZUgvHXMGIc`;

export const CALLBACK_URL_EXAMPLE = {
  callbackUrl: `https://rollcall.example.com/callbacks/bandwidth/${CALLBACK_TOKEN_EXAMPLE}`,
  ref: REF,
  tag: 'agent-17',
  participantRef: PARTICIPANT_REF_EXAMPLE,
  labels: LABELS_EXAMPLE,
  expiresAt: '2026-11-24T09:30:00.000Z',
};
