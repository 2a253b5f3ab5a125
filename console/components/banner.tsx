import { connection } from '../presence/connection.js';
import { momentText } from '../text.js';

/** Says that what is shown is not live, why, and as of when. */
export function Banner() {
  const { value } = connection;
  if (value.kind !== 'interrupted') return null;
  return (
    <div class="banner" role="alert">
      <strong>Not live.</strong> {value.reason} What you see is as of <time>{momentText(value.sinceMs)}</time>.
      Reconnecting…
    </div>
  );
}
