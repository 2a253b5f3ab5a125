import { type DynamicModule, Module } from '@nestjs/common';
import { AccessTokens } from './api/access-tokens.js';
import { CUSTOMER, type Customer } from './api/account.guard.js';
import { EndpointsController } from './api/endpoints.controller.js';
import { OauthController } from './api/oauth.controller.js';
import { ParticipantsController } from './api/participants.controller.js';
import { SessionsController } from './api/sessions.controller.js';
import { CALLBACK_URL, ControlController, PRODUCT } from './control/control.controller.js';
import { DeviceTokens } from './provider/device-tokens.js';
import { Provider } from './provider/provider.js';
import type { Product } from './webhooks/webhook-format.js';

export interface SimulatorParts {
  readonly provider: Provider;
  readonly tokens: DeviceTokens;
  readonly customer: Customer;
  readonly product: Product;
  readonly callbackUrl: string;
}

@Module({
  controllers: [ParticipantsController, SessionsController, OauthController, EndpointsController, ControlController],
  providers: [AccessTokens],
})
export class SimulatorModule {
  static forRoot({ provider, tokens, customer, product, callbackUrl }: SimulatorParts): DynamicModule {
    return {
      module: SimulatorModule,
      providers: [
        { provide: Provider, useValue: provider },
        { provide: DeviceTokens, useValue: tokens },
        { provide: CUSTOMER, useValue: customer },
        { provide: PRODUCT, useValue: product },
        { provide: CALLBACK_URL, useValue: callbackUrl },
      ],
    };
  }
}
