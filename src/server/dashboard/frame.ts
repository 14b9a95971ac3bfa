import { html } from 'hono/html'
import type { Role } from '../../config/config.ts'
import { includes } from '../access.ts'
import type { Assets } from './assets.ts'
import type { Html } from './marks.ts'
import { symbols } from './symbols.ts'

/** What every page knows of its visit. */
export interface Visit {
  assets: Assets
  /** Epoch milliseconds. */
  now: number
  role: Role
  /** The name of the token behind the session; null where none is needed. */
  who: string | null
  /** With the query: where a form leads back to. */
  here: string
}

export type Section = 'overview' | 'jobs' | 'runners' | 'dispatchers' | 'events'

const sections: readonly [Section, string, string][] = [
  ['overview', '/', 'Overview'],
  ['jobs', '/jobs', 'Jobs'],
  ['runners', '/runners', 'Runners'],
  ['dispatchers', '/dispatchers', 'Dispatchers'],
  ['events', '/events', 'Events'],
]

export interface Page {
  title: string
  /** Where in the navigation it is; null for none of it. */
  section: Section | null
  body: Html
  /** Names of further scripts. */
  scripts?: readonly string[]
}

/** A whole page: head, navigation, what it is about, foot. */
export function frame(visit: Visit, { title, section, body, scripts = [] }: Page): Html {
  const { assets } = visit
  return html`${head(visit, title, ['page.js', 'times.js', 'live.js', ...scripts])}
<body>
<a class="skip" href="#main">Skip to content</a>
${symbols}
<header class="top">
<a class="brand" href="/"><img src="${assets.url('muster.svg')}" alt="" width="22" height="22">Muster</a>
<nav aria-label="Pages"><ul>${sections.map(([name, path, word]) => html`<li><a href="${path}"${name === section ? html` aria-current="page"` : ''}>${word}</a></li>`)}</ul></nav>
<div class="tools">
<p id="live" class="live" role="status" data-state="off"><noscript>without JavaScript: reload to see what is new</noscript></p>
<button id="theme" type="button" class="quiet" hidden>Theme</button>
${visit.who === null ? '' : html`<form method="post" action="/logout"><button class="quiet" title="Signed in with the token ${visit.who}, role ${visit.role}">Sign out</button></form>`}
</div>
</header>
<main id="main" tabindex="-1">
${body}
</main>
<footer><p>Muster · <a href="/api/v1/openapi.json">API</a> · <a href="/metrics">Metrics</a></p></footer>
</body>
</html>
`
}

/** A page for who is not let in, or for what went wrong: no navigation, nothing live. */
export function bareFrame(visit: Pick<Visit, 'assets'>, title: string, body: Html): Html {
  return html`${head(visit, title, [])}
<body class="bare">
${symbols}
<main id="main" tabindex="-1">
<p class="brand"><img src="${visit.assets.url('muster.svg')}" alt="" width="22" height="22">Muster</p>
${body}
</main>
</body>
</html>
`
}

function head({ assets }: Pick<Visit, 'assets'>, title: string, scripts: readonly string[]): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Muster</title>
<link rel="icon" type="image/svg+xml" href="${assets.url('muster.svg')}">
<script src="${assets.url('theme.js')}"></script>
<link rel="stylesheet" href="${assets.url('muster.css')}">
${scripts.includes('uplot.js') ? html`<link rel="stylesheet" href="${assets.url('uplot.css')}">\n` : ''}${scripts.map((name) => html`<script ${name === 'uplot.js' ? 'defer' : html`type="module"`} src="${assets.url(name)}"></script>\n`)}</head>`
}

export function mayOperate({ role }: Pick<Visit, 'role'>): boolean {
  return includes(role, 'operate')
}
