// Turns validated request bodies into the settings of an endpoint.
import type { EndpointSettings } from '../endpoint.js';
import { changed } from './members.js';
import type { EndpointPatch, EndpointRequest } from './requests.js';

export function settingsOf(request: EndpointRequest): EndpointSettings {
  const none = { url: request.url, filter: {}, batch: 1, headers: {}, isEnabled: true };
  return changedSettings(none, request);
}

/** Members that are absent stay as they are; null removes what there is. */
export function changedSettings(settings: EndpointSettings, patch: EndpointPatch): EndpointSettings {
  const { filter } = settings;
  const { url, description, types, tag, source, scope, batch, headers, enabled } = patch;
  return {
    url: url ?? settings.url,
    description: changed(settings.description, description),
    filter: {
      types: changed(filter.types, types),
      tag: changed(filter.tag, tag),
      source: changed(filter.source, source),
      scope: changed(filter.scope, scope),
    },
    batch: batch ?? settings.batch,
    headers: headers ?? settings.headers,
    isEnabled: enabled ?? settings.isEnabled,
  };
}
