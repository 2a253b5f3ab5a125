// Run by Jest after the specs of the project `storage`.
import { stopServers } from '../../scripts/redis/server.mjs';

export default stopServers;
