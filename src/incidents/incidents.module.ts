import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { IncidentsController } from './incidents.controller.js';

@Module({ controllers: [IncidentsController] })
export class IncidentsModule {
  /** `imports`: the module of the store. */
  static forRoot(imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return { module: IncidentsModule, imports };
  }
}
