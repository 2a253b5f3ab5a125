// The simulator as BRTC, with a customer who uses Bandwidth's own server SDK.
import { Configuration, EndpointDirectionEnum, EndpointsApi, EndpointTypeEnum } from 'bandwidth-sdk';
import type { Simulator, SimulatorSettings } from '../../simulator/simulator.js';
import { PLAIN } from './settings.js';
import { startSimulator } from './start-simulator.js';

export const ACCOUNT = '9903498';
export const ENDPOINT = { type: EndpointTypeEnum.Webrtc, direction: EndpointDirectionEnum.Bidirectional };
export const FORM = 'application/x-www-form-urlencoded';

const BASIC = `Basic ${btoa('user:password')}`;

export class BrtcCustomer {
  private constructor(
    readonly simulator: Simulator,
    readonly url: string,
  ) {}

  static async start(settings: Partial<SimulatorSettings> = {}): Promise<BrtcCustomer> {
    const customer = { credentials: 'user:password', accountId: ACCOUNT };
    const { simulator, url } = await startSimulator({ ...PLAIN, product: 'brtc', customer, ...settings });
    return new BrtcCustomer(simulator, url);
  }

  /** The SDK with Basic credentials or others. */
  api(credentials: object = { username: 'user', password: 'password' }): EndpointsApi {
    return new EndpointsApi(new Configuration({ ...credentials, basePath: `${this.url}/v2` }));
  }

  /** The SDK with access tokens. It can be pointed at another API, but not at another OAuth server. */
  apiWithToken(): EndpointsApi {
    return this.api({ accessToken: async () => String((await this.fetchToken()).json.access_token) });
  }

  async fetchToken(authorization = BASIC, body = 'grant_type=client_credentials') {
    const headers = { authorization, 'content-type': FORM };
    const response = await fetch(`${this.url}/api/v1/oauth2/token`, { method: 'POST', headers, body });
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  }

  async create(parts: object = {}) {
    return (await this.api().createEndpoint(ACCOUNT, { ...ENDPOINT, ...parts })).data.data;
  }

  list(query: string): Promise<Response> {
    return fetch(`${this.url}/v2/accounts/${ACCOUNT}/endpoints?${query}`, { headers: { authorization: BASIC } });
  }

  control(method: string, path: string, body?: object): Promise<Response> {
    return fetch(`${this.url}/control${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  }

  /** Connects a simulated device, and resolves with its id. */
  async connect(endpointId: string): Promise<string> {
    const response = await this.control('POST', `/participants/${endpointId}/devices`);
    return ((await response.json()) as { deviceId: string }).deviceId;
  }

  async act(endpointId: string, deviceId: string, action: 'leave' | 'drop'): Promise<void> {
    await this.control('POST', `/participants/${endpointId}/devices/${deviceId}`, { action });
  }
}

/** How the API refused the call; undefined if it did not. */
export function failureOf(call: Promise<unknown>) {
  return call.then(
    () => undefined,
    ({ response }) => ({ status: response.status, body: response.data }),
  );
}
