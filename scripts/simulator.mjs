// npm run simulator, npm run simulate: installs and builds what is missing, then runs the command in this process.
import { build, install } from './prepare.mjs';

const [command] = process.argv.splice(2, 1);
install();
build();
await import(`../simulator/dist/${command}.js`);
