import { Module } from '@nestjs/common';
import { BandwidthController } from './bandwidth/bandwidth.controller.js';

@Module({ controllers: [BandwidthController] })
export class CallbacksModule {}
