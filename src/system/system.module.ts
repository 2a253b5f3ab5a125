import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { SystemController } from './system.controller.js';
import { SYSTEM_FACTS, type SystemFacts } from './system-facts.js';

interface SystemOptions extends SystemFacts {
  /** The modules of the store and of sources. */
  readonly imports: NonNullable<ModuleMetadata['imports']>;
}

@Module({ controllers: [SystemController] })
export class SystemModule {
  static forRoot({ imports, ...facts }: SystemOptions): DynamicModule {
    return { module: SystemModule, imports, providers: [{ provide: SYSTEM_FACTS, useValue: facts }] };
  }
}
