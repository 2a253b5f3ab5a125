import type { ChainableCommander } from 'ioredis';

/** The replies of a MULTI, in the order of its commands. Rejects with the first error among them. */
export async function runTransaction(transaction: ChainableCommander): Promise<unknown[]> {
  const replies = await transaction.exec();
  if (!replies) throw new Error('the transaction was not executed');
  return replies.map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
}
