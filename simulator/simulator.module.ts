import { type DynamicModule, Module } from '@nestjs/common';
import { CUSTOMER, type Customer } from './api/account.guard.js';
import { ParticipantsController } from './api/participants.controller.js';
import { SessionsController } from './api/sessions.controller.js';
import { CALLBACK_URL, ControlController } from './control/control.controller.js';
import { DeviceTokens } from './provider/device-tokens.js';
import { Provider } from './provider/provider.js';

export interface SimulatorParts {
  readonly provider: Provider;
  readonly tokens: DeviceTokens;
  readonly customer: Customer;
  readonly callbackUrl: string;
}

@Module({ controllers: [ParticipantsController, SessionsController, ControlController] })
export class SimulatorModule {
  static forRoot({ provider, tokens, customer, callbackUrl }: SimulatorParts): DynamicModule {
    return {
      module: SimulatorModule,
      providers: [
        { provide: Provider, useValue: provider },
        { provide: DeviceTokens, useValue: tokens },
        { provide: CUSTOMER, useValue: customer },
        { provide: CALLBACK_URL, useValue: callbackUrl },
      ],
    };
  }
}
