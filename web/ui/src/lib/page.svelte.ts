import { get } from './api';
import type { LinkState } from './live';
import type { Me } from './types';

/** page is what every screen may know: who looks at it, whether events come, the time. */
export const page = $state({
  me: undefined as Me | undefined,
  link: '' as LinkState | '',
  now: Date.now(),
  announced: '',
  editing: false, // somebody writes something that is not saved yet
});

setInterval(() => (page.now = Date.now()), 1000);

export const isAdmin = () => page.me?.account == null || page.me.account.role === 'admin';

export const isSupervisor = () => isAdmin() || page.me?.account?.role === 'supervisor';

/** linked shows whether events come. A stream can't say why it was refused: perhaps the session is over. */
export async function linked(state: LinkState) {
  page.link = state;
  if (state === 'live') return;
  const now = await get<Me>('session').catch(() => undefined);
  if (now && !now.account && page.me?.account) page.me = now;
}

/** announce has a screen reader say something when it is done with what it says. */
export const announce = (text: string) => (page.announced = text);
