// npm run simulator, npm run simulate: installs and builds what is missing, then is that command of the simulator.
import { build, install } from './prepare.mjs';

const [command] = process.argv.splice(2, 1);
install();
build();
await import(`../simulator/dist/${command}.js`);
