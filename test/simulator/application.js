// What a customer's page does: it connects as soon as it is loaded, so that a reload connects anew.
import sdk from '@bandwidth/webrtc-browser';

const { searchParams } = new URL(location.href);
// A CommonJS module, seen from one that is not.
const client = new sdk.default();
window.leave = () => client.disconnect();
void client.connect({ deviceToken: searchParams.get('token') }, { websocketUrl: searchParams.get('signalling') });
