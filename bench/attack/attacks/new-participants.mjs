import { largeCallback } from '../large-callback.mjs';
import { post, repeat } from '../requests.mjs';

export const newParticipants = {
  name: 'new-participants',
  purpose: 'new large participants through a leaked secret, more than MAX_PARTICIPANTS',
  seconds: 5,
  run: ({ traffic, target, random, fault }) => {
    let accepted = 0;
    return repeat(traffic, {
      connections: 8,
      perSecond: 400,
      request: (n) => post(target.leakedPath, largeCallback(`forged-${n}-${random()}`)),
      onAnswer: (answer) => {
        accepted += answer.startsWith('HTTP/1.1 204 ') ? 1 : 0;
        if (accepted > target.maxParticipants) fault('more participants than MAX_PARTICIPANTS are accepted');
      },
    });
  },
};
