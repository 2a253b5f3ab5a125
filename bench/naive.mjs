// A typical hand-written receiver: the last callback received wins. It guarantees nothing.
import express from 'express';
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL);
const app = express();
app.use(express.json());
app.post('/callbacks/bandwidth', async (request, response) => {
  const { event, timestamp, participantId, deviceId, tag } = request.body;
  if (event === 'onConnect') {
    await redis.hset(`participant:${participantId}`, { deviceId, tag, timestamp, state: 'connected' });
    await redis.sadd('connected', participantId);
  } else {
    await redis.hset(`participant:${participantId}`, { state: 'gone', timestamp });
    await redis.srem('connected', participantId);
  }
  response.sendStatus(204);
});
app.listen(Number(process.env.PORT), '127.0.0.1');
