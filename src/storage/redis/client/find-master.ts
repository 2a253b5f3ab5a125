// Asks the Sentinels which server is the master.
import { askServer } from './ask-server.js';
import { formatPlaces, type RedisAddress, type ServerPlace } from './redis-address.js';
import { redisErrorCode } from './redis-error.js';
import { connectFault, FaultError, type RedisFault } from './redis-fault.js';

interface FoundMaster {
  readonly place: ServerPlace;
  /** Whether more than half of the configured Sentinels name it. One that is cut off from the others may name a former master. */
  readonly isCertain: boolean;
}

/** Asks all of them at once, and resolves with the master that is named most often. Rejects with FaultError. */
export async function findMaster(address: RedisAddress): Promise<FoundMaster> {
  const answers = new Map<string, number>();
  const faults: RedisFault[] = [];
  const isMajority = (count: number) => count > address.servers.length / 2;
  return new Promise((resolve, reject) => {
    const end = () => {
      const [best] = [...answers].sort(([, a], [, b]) => b - a);
      if (best) resolve({ place: JSON.parse(best[0]) as ServerPlace, isCertain: isMajority(best[1]) });
      else reject(new FaultError(mostTelling(faults)));
    };
    const asked = address.servers.map(async (sentinel) => {
      try {
        const answer = JSON.stringify(await askSentinel(sentinel, address));
        const count = (answers.get(answer) ?? 0) + 1;
        answers.set(answer, count);
        if (isMajority(count)) end();
      } catch (error) {
        faults.push((error as FaultError).fault);
      }
    });
    void Promise.all(asked).then(end);
  });
}

async function askSentinel(sentinel: ServerPlace, address: RedisAddress): Promise<ServerPlace> {
  const { master = '', isTls, tls, sentinel: credentials } = address;
  const name = `Sentinel at ${formatPlaces([sentinel])}`;
  const server = { name, isTls, username: credentials?.username, database: 0, setting: 'REDIS_SENTINEL_PASSWORD' };
  try {
    const access = { isTls, tls, ...credentials };
    const reply = await askServer(sentinel, access, 'SENTINEL', 'get-master-addr-by-name', master);
    if (Array.isArray(reply)) return { host: String(reply[0]), port: Number(reply[1]) };
  } catch (error) {
    if (redisErrorCode(error) !== 'ERR') throw new FaultError(connectFault(error, server));
    const message = `the server at ${formatPlaces([sentinel])} is not a Sentinel: correct REDIS_URL`;
    throw new FaultError({ kind: 'sentinel', message, isPermanent: true });
  }
  const message = `${name} knows no master with the name ${master}: correct REDIS_URL`;
  throw new FaultError({ kind: 'sentinel', message, isPermanent: true });
}

/** One that waiting does not remove, if there is one. */
function mostTelling(faults: readonly RedisFault[]): RedisFault {
  return faults.find(({ isPermanent }) => isPermanent) ?? (faults[0] as RedisFault);
}
