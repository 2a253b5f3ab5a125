// RSA signatures (RSASSA-PKCS1-v1_5), which providers make with a private key of theirs and everybody can verify with the public one.
import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';

const PEM = /-----BEGIN (PUBLIC KEY|CERTIFICATE)-----[A-Za-z\d+/=\s]+-----END \1-----/g;
const MIN_BITS = 2_048;

/** `signature`: in Base64, made with the private key of one of `keys`. */
export function isRsaSigned(
  data: Buffer,
  signature: string,
  { keys, hash }: { readonly keys: readonly KeyObject[]; readonly hash: 'sha1' | 'sha256' },
): boolean {
  const bytes = Buffer.from(signature, 'base64');
  return keys.some((key) => verify(hash, data, { key, padding: constants.RSA_PKCS1_PADDING }, bytes));
}

/**
 * The RSA keys in PEM, as public keys or certificates, one after another. undefined: there is none, or anything else. Line breaks may be
 * written as `\n`, as in JSON.
 */
export function publicKeysIn(text: string): readonly KeyObject[] | undefined {
  const lines = text.replaceAll('\\n', '\n');
  const blocks = lines.match(PEM) ?? [];
  if (blocks.length === 0 || lines.replaceAll(PEM, '').trim() !== '') return undefined;
  try {
    const keys = blocks.map((block) => createPublicKey(block));
    return keys.every(isStrongRsa) ? keys : undefined;
  } catch {
    return undefined;
  }
}

function isStrongRsa({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  return asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_BITS;
}
