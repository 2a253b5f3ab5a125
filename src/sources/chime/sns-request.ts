// Requests to Amazon SNS: for certificates, and to confirm a subscription. Redirects are not followed.
import type { IncomingMessage } from 'node:http';
import https from 'node:https';

interface RequestLimits {
  /** For everything, from the connection to the last byte. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** SNS itself waits for 15 s for the response to a message. A certificate has about 2 KiB. */
const LIMITS: RequestLimits = { timeoutMs: 5_000, maxBytes: 32 * 1024 };

/** Resolves with the body. Rejects if the status is not 200, or a limit is exceeded. `url`: must be one of SNS. */
export async function getFromSns(url: string, { timeoutMs, maxBytes }: RequestLimits = LIMITS): Promise<string> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await bodyOf(await get(url, signal), maxBytes);
  } catch (error) {
    throw signal.aborted ? new Error(`SNS did not answer within ${timeoutMs} ms`, { cause: error }) : error;
  }
}

function get(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    https.get(url, { signal }, resolve).once('error', reject);
  });
}

async function bodyOf(response: IncomingMessage, maxBytes: number): Promise<string> {
  if (response.statusCode !== 200) {
    response.destroy();
    throw new Error(`SNS answered ${response.statusCode}`);
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Leaving the loop closes the connection.
    if (bytes > maxBytes) throw new Error(`SNS answered with more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
