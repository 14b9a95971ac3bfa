import { html } from 'hono/html'
import type { InstanceConfig } from '../../config/config.ts'
import { openedAt } from '../../core/backoff.ts'
import type { Overview, Pause } from '../../store/store.ts'
import { actions } from './actions.ts'
import { type Load, liveOf, loadBar, loadOf } from './bars.ts'
import type { DashboardDeps } from './deps.ts'
import { filterForm, pager, textField } from './filters.ts'
import type { Visit } from './frame.ts'
import { healthOf } from './health.ts'
import { chip, count, empty, foreign, type Html, link, mark, type Shape, when } from './marks.ts'
import { plot } from './plot.ts'

/** Instances on one page; with all their targets that is what a screen and a wire can bear. */
const pageSize = 50

export interface OverviewQuery {
  q?: string
  from?: string
}

/** The page at `/`: how everything is, from counts alone; no job is read. */
export async function overviewPage(deps: DashboardDeps, visit: Visit, query: OverviewQuery): Promise<Html> {
  const overview = await deps.store.overview(visit.now)
  const { instances } = deps.config()
  const needle = query.q?.toLowerCase() ?? ''
  const fitting = instances.filter(({ name }) => name.toLowerCase().includes(needle))
  const from = Math.max(
    0,
    fitting.findIndex(({ name }) => name === query.from),
  )
  const shown = fitting.slice(from, from + pageSize)
  const next = fitting[from + pageSize]?.name ?? null
  return html`<h1>Overview</h1>
<div id="overview" data-live class="stack">
${totals(overview)}
${attention(deps, overview, visit)}
</div>
${plot(null)}
<section aria-labelledby="instances"><div class="bar-head"><h2 id="instances">Instances${instances.length > 1 ? html` <span class="none">${count(instances.length)}</span>` : ''}</h2>
${instances.length > 8 || needle ? filterForm('/', [textField('q', 'Name', query.q, 'part of a name')]) : ''}</div>
<div id="instance-list" data-live class="stack">
${shown.length === 0 ? none(instances.length) : shown.map((config) => instanceCard(deps, overview, config, visit))}
${pager({ first: from > 0 ? link.list('/', { q: query.q }) : null, next: next && link.list('/', { q: query.q, from: next }) })}
</div></section>`
}

function totals(overview: Overview): Html {
  const load = loadOf(overview, () => true)
  const running = sum(overview.jobs.filter(({ state }) => state === 'running').map(({ jobs }) => jobs))
  const tiles: readonly [Shape, number, string, string][] = [
    ['queued', load.queued, 'jobs queued', '/jobs?state=queued'],
    ['busy', running, 'jobs running', '/jobs?state=running'],
    ['booting', load.booting, 'runners booting', '/runners'],
    ['idle', load.idle, 'runners idle', '/runners'],
    ['over', liveOf(load), 'runners in all', '/runners'],
  ]
  return html`<ul class="tiles">${tiles.map(([shape, number, words, path]) => html`<li><a href="${path}">${mark(shape)}<b>${count(number)}</b> <span>${words}</span></a></li>`)}</ul>`
}

/** What a person should look at; nothing where all is well. */
function attention(deps: DashboardDeps, overview: Overview, { now }: Visit): Html {
  const { instances } = deps.config()
  const failing = instances.filter(({ name }) => deps.workers.get(name)?.lastLook?.complete === false)
  const paused = instances.filter(({ name }) => overview.paused.has(name))
  const breakers = overview.breakers.filter((breaker) => openedAt(breaker) !== null)
  const unmatched = sum(
    overview.jobs.filter(({ state, unassigned }) => state === 'queued' && unassigned !== null).map(({ jobs }) => jobs),
  )
  const lines = [
    ...failing
      .slice(0, 10)
      .map(
        (config) =>
          html`<li>${mark('trouble')}<span><a href="${link.instance(config.name)}">${foreign(config.name, 48)}</a>: ${healthOf(config, deps.workers.get(config.name), false, now).meaning ?? ''}</span></li>`,
      ),
    failing.length > 10
      ? html`<li>${mark('trouble')}<span>and ${count(failing.length - 10)} more instances whose look failed</span></li>`
      : '',
    ...breakers.map(
      ({ key, failures, until }) =>
        html`<li>${mark('trouble')}<span>The dispatcher <a href="/dispatchers">${foreign(key.replace(/^breaker\//, ''), 48)}</a> failed ${count(failures)} times in a row; one job at a time tries it, the next ${when(until, now)}.</span></li>`,
    ),
    unmatched > 0
      ? html`<li>${mark('trouble')}<span><a href="/jobs?state=queued">${count(unmatched)} queued ${unmatched === 1 ? 'job fits' : 'jobs fit'} no target</a>: nobody will start a runner for ${unmatched === 1 ? 'it' : 'them'}.</span></li>`
      : '',
    ...paused
      .slice(0, 10)
      .map(
        ({ name }) =>
          html`<li>${mark('paused')}<span><a href="${link.instance(name)}">${foreign(name, 48)}</a> is paused${pausedBy(overview.paused.get(name), now)}: nothing is dispatched for it.</span></li>`,
      ),
    paused.length > 10
      ? html`<li>${mark('paused')}<span>and ${count(paused.length - 10)} more are paused</span></li>`
      : '',
  ].filter((line) => line !== '')
  return lines.length === 0
    ? html``
    : html`<section class="card attention" aria-label="Needs attention"><ul>${lines}</ul></section>`
}

function instanceCard(deps: DashboardDeps, overview: Overview, config: InstanceConfig, visit: Visit): Html {
  const { now } = visit
  const { name, targets, forge } = config
  const worker = deps.workers.get(name)
  const own = ofInstance(overview, name)
  const paused = overview.paused.has(name)
  const health = healthOf(config, worker, paused, now)
  return html`<article class="card instance" aria-labelledby="i-${name}">
<header><h3 id="i-${name}"><a href="${link.instance(name)}">${foreign(name, 64)}</a></h3><p class="under">${forge.kind} · ${worker?.mode ?? 'not started'}</p>
<p>${chip(health.shape, health.word)}</p>
<p class="beats">delivery ${when(overview.deliveries.get(name)?.lastAt, now, 'none yet')} · look ${when(worker?.lastLook?.beganAt, now, 'none yet')}</p>
${actions(visit, name, paused)}</header>
<ul class="targets">${targets.map((target) => html`<li><span class="target"><a href="${link.list('/jobs', { instance: name, target: target.name })}">${foreign(target.name, 48)}</a></span>${loadBar(loadOfTarget(own, target.name), target.max)}</li>`)}${unassigned(own)}</ul>
</article>`
}

/** What of it is about one instance. */
export function ofInstance(overview: Overview, name: string): Overview {
  const isIts = (row: { instance: string }) => row.instance === name
  return { ...overview, jobs: overview.jobs.filter(isIts), runners: overview.runners.filter(isIts) }
}

/** Who paused it, when and why, as far as anybody told. */
export function pausedBy(pause: Pause | undefined, now: number): Html {
  if (!pause) return html``
  return html` by ${pause.by === null ? 'somebody' : foreign(pause.by, 48)} ${when(pause.at, now)}${pause.reason === null ? '' : html` (${foreign(pause.reason, 256)})`}`
}

export function loadOfTarget(own: Overview, name: string): Load {
  return loadOf(own, ({ target }) => target === name)
}

/** Jobs of the instance that no target takes. */
export function unassigned(own: Overview): Html {
  const jobs = sum(
    own.jobs.filter(({ state, target }) => state === 'queued' && target === null).map(({ jobs }) => jobs),
  )
  return jobs === 0
    ? html``
    : html`<li><span class="target none">no target</span><p class="counts"><span class="waits">${mark('trouble')}${count(jobs)} queued</span></p></li>`
}

function none(configured: number): Html {
  return configured === 0
    ? empty(
        'No instance is configured',
        html`Muster has no forge to listen to yet. Add one under <code>instances</code> in <code>autoscaler.yaml</code>.`,
      )
    : empty('No instance has such a name', html`<a href="/">Show all instances</a>`)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}
