// A customer's page: it connects when it is loaded, so a reload reconnects.
import sdk from '@bandwidth/webrtc-browser';

const { searchParams } = new URL(location.href);
// A CommonJS module, imported from an ES module.
const client = new sdk.default();
window.leave = () => client.disconnect();
void client.connect({ deviceToken: searchParams.get('token') }, { websocketUrl: searchParams.get('signalling') });
