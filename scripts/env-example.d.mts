export function renderEnvExample(settings: Record<string, { name: string; purpose: string; fallback: string }>): string;
