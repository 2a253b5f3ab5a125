import { Empty } from '../components/basics.js';

export function UnknownView() {
  return (
    <Empty title="There is no such page">
      <p>
        <a href="/" data-route>
          Who is on the call
        </a>
      </p>
    </Empty>
  );
}
