import { session } from './api/session.js';
import { Banner } from './components/banner.js';
import { Header } from './components/header.js';
import { type Route, route } from './router.js';
import { ActivityView } from './views/activity-view.js';
import { HistoryView } from './views/history-view.js';
import { LiveView } from './views/live-view.js';
import { LockedView, RefusedView, StartingView } from './views/locked-view.js';
import { ParticipantView } from './views/participant-view.js';
import { QuarantineView } from './views/quarantine-view.js';
import { SystemView } from './views/system-view.js';
import { UnknownView } from './views/unknown-view.js';
import { WebhooksView } from './views/webhooks-view.js';

export function App() {
  const { value } = session;
  switch (value.kind) {
    case 'starting':
      return <StartingView fault={value.fault} />;
    case 'locked':
      return <LockedView fault={value.fault} />;
    case 'refused':
      return <RefusedView fault={value.fault} />;
    case 'open':
      return (
        <>
          <a class="skip" href="#main">
            Skip to content
          </a>
          <Header />
          <main id="main" tabIndex={-1}>
            <Banner />
            <View route={route.value} />
          </main>
        </>
      );
  }
}

function View({ route }: { route: Route }) {
  switch (route.view) {
    case 'live':
      return <LiveView />;
    case 'participant':
      return <ParticipantView key={`${route.participantId}?${route.query}`} {...route} />;
    case 'activity':
      return <ActivityView />;
    case 'history':
      return <HistoryView />;
    case 'webhooks':
      return <WebhooksView />;
    case 'quarantine':
      return <QuarantineView />;
    case 'system':
      return <SystemView />;
    case 'unknown':
      return <UnknownView />;
  }
}
