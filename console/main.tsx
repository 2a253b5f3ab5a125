import './styles/tokens.css';
import './styles/shell.css';
import './styles/controls.css';
import './styles/presence.css';
import './styles/details.css';
import { render } from 'preact';
import { openSession, whileOpen } from './api/session.js';
import { App } from './app.js';
import { startLive } from './presence/live.js';
import { startRouter } from './router.js';

startRouter();
whileOpen(startLive);
void openSession();
render(<App />, document.getElementById('app') as HTMLElement);
