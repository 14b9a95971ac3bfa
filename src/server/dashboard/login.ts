import { html } from 'hono/html'
import { bareFrame, type Visit } from './frame.ts'
import type { Html } from './marks.ts'

interface LoginPage {
  /** A path of ours to go on to. */
  next: string
  /** What was wrong with the attempt before; null at the first. */
  refused: string | null
}

/** Where a token is asked for. It goes into a session cookie; the browser never keeps the token itself. */
export function loginPage(visit: Pick<Visit, 'assets'>, { next, refused }: LoginPage): Html {
  return bareFrame(
    visit,
    'Sign in',
    html`<h1>Sign in</h1>
<p>This Muster asks for one of the tokens of <code>admin.tokens</code> in its configuration.</p>
<form class="card login" method="post" action="/login">
${refused === null ? '' : html`<p class="refused" role="alert">${refused}</p>`}
<input type="hidden" name="next" value="${next}">
<label>Token <input type="password" name="token" required autofocus autocomplete="current-password" maxlength="1000" spellcheck="false"></label>
<button class="primary">Sign in</button>
</form>
<p class="none">You stay signed in for 12 hours, in this browser alone.</p>`,
  )
}

/** The browser took the token and did not keep the session. */
export function notKeptPage(visit: Pick<Visit, 'assets'>): Html {
  return bareFrame(
    visit,
    'Not signed in',
    html`<h1>The token was right, but your browser kept no session</h1>
<p>Browsers keep the session cookie of this page only over <strong>https</strong>, or when it is opened as <code>localhost</code>. Over plain http from another machine anybody on the way could read it.</p>
<ul><li>Put a proxy that speaks TLS in front of <code>admin.listen</code>, and open its https address,</li>
<li>or open a tunnel: <code>ssh -L 8091:127.0.0.1:8091 this-machine</code>, and then <code>http://localhost:8091</code>.</li>
<li>If cookies are blocked for this page, allow them.</li></ul>
<p><a href="/login">Try again</a></p>`,
  )
}

/** A path of ours, or the overview: whatever a link says, nobody is led to another site. */
export function ownPath(text: string | undefined): string {
  if (text === undefined || text.length > 2_000 || !/^\/(?![/\\])/.test(text)) return '/'
  const url = URL.canParse(text, 'http://muster.invalid') ? new URL(text, 'http://muster.invalid') : null
  return url === null || url.host !== 'muster.invalid' || url.pathname.startsWith('//')
    ? '/'
    : url.pathname + url.search
}
