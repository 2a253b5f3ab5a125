import { post, repeat } from '../requests.mjs';

/** Looks like a secret but is not one. */
const TOKEN = 'c2VjcmV0LW9mLW5vYm9keS1hdC1hbGwtMDEyMzQ1Njc4OQ';
const PATHS = [
  `/callbacks/bandwidth/${TOKEN}`,
  `/callbacks/bandwidth/${TOKEN}/`,
  `/callbacks/bandwidth/${TOKEN}/more`,
  `/callbacks/bandwidth//${TOKEN}`,
  `/callbacks//bandwidth/${TOKEN}`,
  `//callbacks/bandwidth/${TOKEN}`,
  `/callbacks/nobody/${TOKEN}`,
  `/CALLBACKS/bandwidth/${TOKEN}`,
  `/callbacks/%62andwidth/${TOKEN}`,
  `/%63allbacks/bandwidth/${TOKEN}`,
  `/callbacks%2fbandwidth%2f${TOKEN}`,
  `/callbacks/bandwidth/%zz${TOKEN}`,
  `/callbacks/bandwidth/${TOKEN}%00`,
  `/callbacks/bandwidth/../bandwidth/${TOKEN}`,
  `/callbacks/bandwidth/%2e%2e/${TOKEN}`,
  `/callbacks/bandwidth/;${TOKEN}`,
  `/callbacks/bandwidth/${TOKEN.repeat(100)}`,
  `/callbacks%2fbandwidth%2f${TOKEN}%zz`,
  `/callbacks;x/bandwidth;y/${TOKEN}%zz`,
  `/%63allbacks/%62andwidth/${TOKEN}%zz`,
];

export const oddPaths = {
  name: 'odd-paths',
  purpose: 'unusual paths below /callbacks/; each must get a 404 that does not echo it',
  run: ({ traffic, fault }) =>
    repeat(traffic, {
      connections: 8,
      perSecond: 300,
      request: (n) => post(PATHS[n % PATHS.length], '{}'),
      onAnswer: (answer, n) => {
        const path = PATHS[n % PATHS.length].slice(0, 80);
        if (!answer.startsWith('HTTP/1.1 404 ')) fault(`${path} is answered ${answer.slice(9, 12)}`);
        else if (answer.includes(TOKEN)) fault(`${path} is echoed`);
      },
    }),
};
