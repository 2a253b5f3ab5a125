// Injection tokens. Each consumer depends only on the ports that it needs.
export const RECORD_STORE = Symbol('RecordStore');
export const PRESENCE_INDEX = Symbol('PresenceIndex');
export const LABEL_INDEX = Symbol('LabelIndex');
export const FEED_STORE = Symbol('FeedStore');
export const INCIDENT_STORE = Symbol('IncidentStore');
export const QUARANTINE_STORE = Symbol('QuarantineStore');
export const BINDING_STORE = Symbol('BindingStore');
export const END_STORE = Symbol('EndStore');
export const WEBHOOK_SETTING_STORE = Symbol('WebhookSettingStore');
export const DELIVERY_STORE = Symbol('DeliveryStore');
export const OCCUPANCY_EVENT_STORE = Symbol('OccupancyEventStore');
export const LEASE_STORE = Symbol('LeaseStore');
/** The bundle of all ports, for health checks and shutdown. */
export const STORAGE = Symbol('Storage');
