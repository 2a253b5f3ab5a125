import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { BackupsController } from './backups.controller.js';

@Module({ controllers: [BackupsController] })
export class BackupsModule {
  /** `imports`: the module of the store. */
  static forRoot(imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return { module: BackupsModule, imports };
  }
}
