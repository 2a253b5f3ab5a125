// The responses of the API that the console uses: docs/ and /openapi.json describe them.

export type PresentState = 'connected' | 'reconnecting';
export type State = PresentState | 'gone' | 'expected';
export type Scope = 'read' | 'admin' | 'metrics';

export interface SubjectMembers {
  readonly participantId: string;
  readonly source: string;
  readonly scope?: string;
}

export interface DeviceResponse {
  readonly deviceId: string;
  readonly state: State;
  readonly since: string;
  readonly until?: string;
  readonly cause?: string;
  readonly doubtful?: true;
  readonly connectedAt: string | null;
  readonly interruptions: number;
}

export interface ParticipantResponse extends SubjectMembers {
  readonly state: State;
  readonly since: string;
  readonly until?: string;
  readonly cause?: string;
  readonly doubtful?: true;
  readonly tag?: string;
  readonly participantRef?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly availability: 'available' | 'busy' | 'unknown';
  readonly devices: readonly DeviceResponse[];
  readonly lastEventAt: string;
  readonly version: number;
}

export interface ParticipantsPage {
  readonly items: readonly ParticipantResponse[];
  readonly unreadable?: readonly string[];
  readonly nextCursor?: string;
  readonly position: string;
  readonly asOf: string;
}

export interface Change extends SubjectMembers {
  readonly type: string;
  readonly deviceId?: string;
  readonly state: State;
  readonly previousState: State | null;
  readonly cause?: string;
  readonly doubtful?: true;
  readonly tag?: string;
  readonly previousTag?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly participantRef?: string;
  readonly availability?: 'available' | 'busy' | 'unknown';
  readonly since: string;
  readonly connectedAt?: string | null;
  readonly interruptions?: number;
  readonly at: string | null;
  readonly receivedAt: string;
  readonly version: number;
  readonly position: string;
}

export interface ChangesPage {
  readonly items: readonly Change[];
  readonly position: string;
}

export interface SystemResponse {
  readonly version: string;
  readonly store: 'sqlite' | 'redis';
  readonly history: boolean;
  readonly publicUrl?: string;
  readonly sources: readonly { readonly name: string; readonly dialect: string; readonly lastCallbackAt?: string }[];
  readonly feed: {
    readonly bytes: number;
    readonly maxBytes: number;
    readonly retentionMs: number;
    readonly oldestAt?: string;
    readonly newestAt?: string;
  };
  readonly access: { readonly key?: string; readonly scopes: readonly Scope[] };
}

export interface ComponentHealth {
  readonly status: 'up' | 'down';
  readonly message?: string;
  readonly [fact: string]: string | number | undefined;
}

export interface HealthResponse {
  readonly status: string | number;
  readonly detail?: string;
  readonly details?: Readonly<Record<string, ComponentHealth>>;
}

export interface StatisticsResponse {
  readonly items: readonly { readonly from: string; readonly to: string; readonly peakParticipants: number }[];
  readonly complete: boolean;
}

export interface PastPresencePage {
  readonly items: readonly PastParticipant[];
  readonly nextCursor?: string;
  readonly at: string;
  readonly complete: boolean;
}

export interface PastParticipant extends SubjectMembers {
  readonly tag?: string;
  readonly state: PresentState;
  readonly devices: readonly {
    readonly deviceId: string;
    readonly state: PresentState;
    readonly startedAt: string;
    readonly connectedAt: string | null;
  }[];
}

export interface ConnectionResponse extends SubjectMembers {
  readonly deviceId: string;
  readonly tag?: string;
  readonly startedAt: string;
  readonly connectedAt: string | null;
  readonly endedAt: string | null;
  readonly durationMs: number | null;
  readonly cause?: string;
  readonly interruptions: number;
}

export interface ConnectionsPage {
  readonly items: readonly ConnectionResponse[];
  readonly nextCursor?: string;
  readonly complete: boolean;
}

interface ExplainedEvent {
  readonly kind: string;
  readonly occurredAt: string;
  readonly receivedAt: string;
  readonly delayMs: number;
  readonly overtakenBy: number;
  readonly countsAs?: string;
}

export interface ExplainedStep {
  readonly rule: string;
  readonly meaning: string;
  readonly event?: ExplainedEvent;
  readonly supersededBy?: { readonly deviceId?: string; readonly occurredAt: string; readonly receivedAt: string };
  readonly dueAt?: string;
  readonly previous?: { readonly cause: string; readonly endedAt: string };
  readonly state?: State;
}

interface NextChange {
  readonly at: string;
  readonly rule: string;
  readonly meaning: string;
  readonly deviceId?: string;
}

export interface ExplainedDevice {
  readonly earlier?: {
    readonly upTo: string;
    readonly state: State;
    readonly connectedAt?: string;
    readonly interruptions: number;
  };
  readonly steps: readonly ExplainedStep[];
  readonly result: DeviceResponse;
  readonly sockets?: number;
  readonly doubtfulSince?: string;
  readonly next: NextChange;
}

export interface Explanation {
  readonly participant: ParticipantResponse;
  readonly rule: string;
  readonly meaning: string;
  readonly outdated?: true;
  readonly devices: readonly ExplainedDevice[];
  readonly next: NextChange;
  readonly asksProviderAt?: string;
  readonly policy: { readonly graceMs: number; readonly maxConnectionMs: number; readonly retentionMs: number };
}

export interface EndpointResponse {
  readonly id: string;
  readonly url: string;
  readonly description?: string;
  readonly types?: readonly string[];
  readonly tag?: string;
  readonly source?: string;
  readonly scope?: string;
  readonly batch: number;
  readonly headerNames: readonly string[];
  readonly enabled: boolean;
  readonly disabled?: { readonly reason: string; readonly at: string };
  readonly declared: boolean;
  readonly delivery: {
    readonly waiting: number;
    readonly lagMs: number;
    readonly failures: number;
    readonly failingSince?: string;
    readonly lastDeliveryAt?: string;
    readonly lastError?: string;
  };
}

export interface DeliveryResult {
  readonly status?: number;
  readonly answer?: string;
  readonly error?: string;
}

export interface AttemptResponse extends DeliveryResult {
  readonly id: string;
  readonly messageId: string;
  readonly type: string;
  readonly changes: number;
  readonly at: string;
  readonly durationMs: number;
}

export interface DeadLetterResponse {
  readonly id: string;
  readonly messageId: string;
  readonly type: string;
  readonly changes: number;
  readonly failures: number;
  readonly firstFailedAt: string;
  readonly deadLetteredAt: string;
  readonly last: DeliveryResult;
  readonly body: string;
}

export interface SendResponse extends DeliveryResult {
  readonly delivered: boolean;
  readonly durationMs: number;
}

export interface QuarantineEntry {
  readonly id: string;
  readonly source: string;
  readonly reason: string;
  readonly receivedAt: string;
  readonly contentType: string;
  readonly bytes: number;
  readonly requestId: string;
}

export interface QuarantinedCallback extends QuarantineEntry {
  readonly body?: string;
  readonly bodyBase64?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string;
}

export interface ReconciliationItem {
  readonly source: string;
  readonly status: 'on' | 'off' | 'not-configured' | 'not-supported';
  readonly missingSettings?: readonly string[];
  readonly lastCompletePollAt?: string;
  readonly failures?: number;
  readonly corrections?: { readonly added: number; readonly removed: number };
}

export interface Incident {
  readonly id: string;
  readonly kind: string;
  readonly detectedAt: string;
  readonly lostFrom?: string;
}
