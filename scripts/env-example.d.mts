interface Described {
  readonly name: string;
  readonly purpose: string;
  readonly fallback: string;
}

export function renderEnvExample(settings: Record<string, Described>): string;
export function renderConfiguration(settings: Record<string, Described>): string;
export function settingRow(setting: Described): string;
