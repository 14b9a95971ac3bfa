import { html } from 'hono/html'
import type { DispatcherConfig } from '../../config/config.ts'
import { type Backoff, backoffKey, breakerTrips, openedAt } from '../../core/backoff.ts'
import type { Overview } from '../../store/store.ts'
import { loadBar, loadOf } from './bars.ts'
import type { DashboardDeps } from './deps.ts'
import type { Visit } from './frame.ts'
import { chip, count, empty, foreign, type Html, link, span, when } from './marks.ts'

/** The page `/dispatchers`: the places where runners run, how full they are, and their breakers. */
export async function dispatchersPage(deps: DashboardDeps, visit: Visit): Promise<Html> {
  const { dispatchers } = deps.config()
  const overview = await deps.store.overview(visit.now)
  return html`<h1>Dispatchers</h1>
<div id="dispatchers" data-live class="stack">
${dispatchers.size === 0 ? empty('No dispatcher is configured', 'Nothing could start a runner.') : [...dispatchers.values()].map((config) => card(deps, overview, config, visit))}
</div>`
}

function card(deps: DashboardDeps, overview: Overview, config: DispatcherConfig, { now }: Visit): Html {
  const { name, settings, maxParallel, timeout, launchConcurrency, onShutdown } = config
  const breaker = overview.breakers.find(({ key }) => key === backoffKey.breaker(name))
  const load = { ...loadOf(overview, (row) => row.dispatcher === name), queued: 0 }
  const users = deps
    .config()
    .instances.filter(({ targets }) =>
      targets.some(({ dispatcher, fallback }) => dispatcher === name || fallback.includes(name)),
    )
  return html`<article class="card" aria-labelledby="d-${name}"><header class="bar-head"><h2 id="d-${name}">${foreign(name, 64)}</h2><p class="under">${settings.kind}</p>${breakerChip(breaker, now)}</header>
${loadBar(load, maxParallel)}
${breaker ? html`<p>${breakerWords(breaker, now)}</p>` : ''}
<dl class="facts">
<div><dt>Time-out of a call</dt><dd>${span(timeout)}</dd></div>
<div><dt>Calls at once</dt><dd>${launchConcurrency}</dd></div>
<div><dt>At shutdown</dt><dd>${onShutdown === 'wait' ? 'waits for its runners' : 'closes its calls'}</dd></div>
<div><dt>Answers</dt><dd>${deps.lanes.get(name)?.blocking ? 'only when its runner has ended' : 'when its runner is started'}</dd></div>
<div><dt>Used by</dt><dd>${users.length === 0 ? html`<span class="none">nobody</span>` : html`${users.slice(0, 12).map((user) => html`<a href="${link.instance(user.name)}">${foreign(user.name, 32)}</a> `)}${users.length > 12 ? `and ${count(users.length - 12)} more` : ''}`}</dd></div>
</dl></article>`
}

function breakerChip(breaker: Backoff | undefined, _now: number): Html {
  if (!breaker) return chip('good', 'breaker closed')
  return openedAt(breaker) === null
    ? chip('waiting', `${breaker.failures} of ${breakerTrips} failures`)
    : chip('trouble', 'breaker open')
}

function breakerWords(breaker: Backoff, now: number): Html {
  const opened = openedAt(breaker)
  if (opened === null)
    return html`${count(breaker.failures)} ${breaker.failures === 1 ? 'call' : 'calls in a row'} failed; at ${breakerTrips} the breaker opens.`
  return html`It failed ${count(breaker.failures)} times in a row, the last time ${when(opened, now)}. Jobs wait as dispatcher_down; one of them is let through as a probe ${when(breaker.until, now)}.`
}
