// The naive receiver as a server. Also returns its state and its announcements.
import express from 'express';
import { NaivePresence } from './naive-presence.mjs';

const presence = new NaivePresence();
const announcements = [];

const app = express();
app.use(express.json());
app.post('/callbacks/bandwidth', (request, response) => {
  const what = presence.receive(request.body);
  if (what) announcements.push({ participantId: request.body.participantId, what, atMs: Date.now() });
  response.sendStatus(204);
});
app.get('/present', (_, response) => response.json(presence.present));
app.get('/announcements', (_, response) => response.json(announcements));
app.listen(Number(process.env.PORT), '127.0.0.1');
