// For injection: those who use a store are given the ports that they need, and no more.
export const RECORD_STORE = Symbol('RecordStore');
export const PRESENCE_INDEX = Symbol('PresenceIndex');
export const FEED_STORE = Symbol('FeedStore');
export const BINDING_STORE = Symbol('BindingStore');
/** The whole bundle: what to check and to close. */
export const STORAGE = Symbol('Storage');
