import { html } from 'hono/html'
import { type Html, link } from './marks.ts'

/** The last hours of queue and runners. A script draws it from `/api/v1/history`; without one there is a sentence in its place. */
export function plot(instance: string | null): Html {
  return html`<section class="card" aria-labelledby="hours"><div class="bar-head"><h2 id="hours">The last hours</h2><p class="legend" aria-hidden="true"><span class="key queued">queued</span><span class="key busy">busy</span><span class="key idle">idle</span><span class="key booting">booting</span></p></div>
<div id="plot" class="plot" data-history="${link.list('/api/v1/history', { instance })}"><p class="none" id="plot-says">The plot needs JavaScript; the numbers are at <a href="${link.list('/api/v1/history', { instance })}">/api/v1/history</a>.</p></div></section>`
}
