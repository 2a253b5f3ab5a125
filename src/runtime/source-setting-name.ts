/** `SOURCE_LIVEKIT_EU_OVERLAP_MS` for the source `livekit-eu`, of `SOURCE_<NAME>_OVERLAP_MS`. */
export function sourceSettingName(template: string, source: string): string {
  return template.replace('<NAME>', source.toUpperCase().replaceAll('-', '_'));
}
