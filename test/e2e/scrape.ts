/** The values of a scrape, by series: the name, followed by the labels in the order of the text. */
export type Series = ReadonlyMap<string, number>;

export function parseSeries(text: string): Series {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}

/** The metrics at a URL. */
export async function scrape(url: string, init?: RequestInit): Promise<Series> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return parseSeries(await response.text());
}
