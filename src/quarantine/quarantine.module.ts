import {
  type DynamicModule,
  Module,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { QuarantineController } from './api/quarantine.controller.js';
import { Quarantine } from './quarantine.js';
import { QUARANTINE_LIMITS, type QuarantineSettings, QuarantineTrimmer } from './quarantine-trimmer.js';
import { QuarantineReplay } from './replay.js';

@Module({
  controllers: [QuarantineController],
  providers: [Quarantine, QuarantineReplay, QuarantineTrimmer],
  exports: [Quarantine, QuarantineReplay],
})
export class QuarantineModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly quarantine: Quarantine,
    private readonly trimmer: QuarantineTrimmer,
  ) {}

  /** `imports`: the module of the store. */
  static forRoot(imports: NonNullable<ModuleMetadata['imports']>, settings: QuarantineSettings): DynamicModule {
    return { module: QuarantineModule, imports, providers: [{ provide: QUARANTINE_LIMITS, useValue: settings }] };
  }

  onApplicationBootstrap(): void {
    this.trimmer.start();
  }

  /** Nest shuts a module down before its imports: no more callbacks are refused, and the store is still open. */
  async onApplicationShutdown(): Promise<void> {
    await this.quarantine.stop();
    await this.trimmer.stop();
  }
}
