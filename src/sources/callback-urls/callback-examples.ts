// Example values for the API document, in the format that a running service mints.
const REF = 'nWZH7-xaSCAq13rOG_zfXQBrBVkYYWdlbnQtMTc';
export const CALLBACK_TOKEN_EXAMPLE = `${REF}.k7NcKewS.VfMpCnqGgLUHXAdxb5wjwHiiiJJAi6OUYZUgvHXMGIc`;

export const CALLBACK_URL_EXAMPLE = {
  callbackUrl: `https://rollcall.example.com/callbacks/bandwidth/${CALLBACK_TOKEN_EXAMPLE}`,
  ref: REF,
  tag: 'agent-17',
  expiresAt: '2026-11-24T09:30:00.000Z',
};
