// A typical hand-written receiver: the last callback received wins. Also returns its state and its announcements.
import express from 'express';

const present = new Set();
const announcements = [];

function announce(participantId, what) {
  announcements.push({ participantId, what, atMs: Date.now() });
}

const app = express();
app.use(express.json());
app.post('/callbacks/bandwidth', (request, response) => {
  const { event, participantId } = request.body;
  if (event === 'onConnect') {
    if (!present.has(participantId)) announce(participantId, 'came');
    present.add(participantId);
  } else if (present.delete(participantId)) {
    announce(participantId, 'gone');
  }
  response.sendStatus(204);
});
app.get('/present', (_, response) => response.json([...present]));
app.get('/announcements', (_, response) => response.json(announcements));
app.listen(Number(process.env.PORT), '127.0.0.1');
