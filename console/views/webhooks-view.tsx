import { useState } from 'preact/hooks';
import { request } from '../api/client.js';
import type { EndpointResponse, Page } from '../api/types.js';
import { CodeLine, Empty, Fact, Fault, Foreign, Heading, Loading, Moment } from '../components/basics.js';
import { useLoaded } from '../components/loaded.js';
import { countText, durationText, numberText } from '../text.js';
import { EndpointDetails } from '../webhooks/endpoint-details.js';

const RENEW_MS = 5_000;
const EXAMPLE =
  'curl -X POST -H "Authorization: Bearer $ROLLCALL_KEY" -H "Content-Type: application/json" ' +
  `-d '{"url":"https://backend.example.com/presence"}' ${location.origin}/v1/webhooks/endpoints`;

export function WebhooksView() {
  const { value, fault, reload } = useLoaded(
    (signal) => request<Page<EndpointResponse>>('/v1/webhooks/endpoints', { signal }),
    [],
    RENEW_MS,
  );
  const [openId, setOpenId] = useState<string | undefined>();
  return (
    <>
      <Heading title="Webhooks" />
      {fault !== undefined && <Fault message={fault} retry={reload} />}
      {!value && fault === undefined && <Loading what="the endpoints" />}
      {value?.items.length === 0 && (
        <Empty title="No endpoint yet">
          <p>An endpoint is a URL of your backend that is told of each change, signed and at least once. Create one:</p>
          <CodeLine text={EXAMPLE} />
        </Empty>
      )}
      {value?.items.map((endpoint) => (
        <section key={endpoint.id} class="panel" aria-label={`Endpoint ${endpoint.url}`}>
          <EndpointHead
            endpoint={endpoint}
            isOpen={endpoint.id === openId}
            toggle={() => setOpenId(endpoint.id === openId ? undefined : endpoint.id)}
          />
          {endpoint.id === openId && <EndpointDetails endpoint={endpoint} changed={reload} />}
        </section>
      ))}
    </>
  );
}

interface EndpointHeadProps {
  readonly endpoint: EndpointResponse;
  readonly isOpen: boolean;
  readonly toggle: () => void;
}

function EndpointHead({ endpoint, isOpen, toggle }: EndpointHeadProps) {
  const { url, description, delivery, types, tag, source, batch } = endpoint;
  const filters = [types?.join(', '), tag && `tag ${tag}`, source && `source ${source}`].filter(Boolean);
  return (
    <>
      <div class="panel-head">
        <button type="button" class="expander" aria-expanded={isOpen} onClick={toggle}>
          <span class="chevron" aria-hidden="true" />
          <Foreign text={url} mono />
        </button>
        <Health endpoint={endpoint} />
      </div>
      <p class="muted wrap">
        {description !== undefined && <>{description} · </>}
        {filters.length > 0 ? filters.join(' · ') : 'all changes'}
        {batch > 1 && ` · up to ${batch} in one request`}
      </p>
      <dl class="facts compact">
        <Fact name="Waiting">{numberText(delivery.waiting)}</Fact>
        <Fact name="Behind">{delivery.lagMs === 0 ? 'no' : durationText(delivery.lagMs)}</Fact>
        <Fact name="Last delivery">
          {delivery.lastDeliveryAt === undefined ? 'none yet' : <Moment time={delivery.lastDeliveryAt} />}
        </Fact>
        {delivery.lastError !== undefined && (
          <Fact name="Last error">
            <Foreign text={delivery.lastError} />
          </Fact>
        )}
      </dl>
    </>
  );
}

function Health({ endpoint: { enabled, disabled, delivery } }: { endpoint: EndpointResponse }) {
  if (disabled) {
    return (
      <span class="pill pill-bad">
        {disabled.reason === 'gone' ? 'Disabled: it answered 410' : 'Disabled: took nothing for 5 days'}
      </span>
    );
  }
  if (!enabled) return <span class="pill">Paused</span>;
  if (delivery.failures > 0)
    return <span class="pill pill-failing">{countText(delivery.failures, 'failure')} in a row</span>;
  return <span class="pill pill-live">Delivering</span>;
}
