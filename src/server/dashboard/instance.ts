import { html } from 'hono/html'
import type { InstanceConfig } from '../../config/config.ts'
import { entryAt, minIdleAt, nextScheduleChange } from '../../core/schedule.ts'
import type { Target } from '../../core/target.ts'
import type { Overview } from '../../store/store.ts'
import { instanceNamed } from '../api-deps.ts'
import { actions } from './actions.ts'
import { loadBar } from './bars.ts'
import type { DashboardDeps } from './deps.ts'
import type { Visit } from './frame.ts'
import { healthOf } from './health.ts'
import { chip, count, empty, foreign, type Html, labelList, link, span, when } from './marks.ts'
import { loadOfTarget, ofInstance, unassigned } from './overview.ts'
import { plot } from './plot.ts'
import { eventList } from './trail.ts'

/** The newest events that are shown. */
const trailLength = 20

/** The page of one instance; null where none of this name is configured. */
export async function instancePage(deps: DashboardDeps, visit: Visit, name: string): Promise<Html | null> {
  const config = instanceNamed(deps, name)
  if (!config) return null
  const { store } = deps
  const [overview, uses, events] = await Promise.all([
    store.overview(visit.now),
    store.secretUses(name),
    store.events({ instance: name, limit: trailLength }),
  ])
  const secrets = config.secrets.map((secret) => {
    const seen = uses.find(({ fingerprint }) => fingerprint === secret.fingerprint())
    return { source: secret.source, uses: seen?.uses ?? 0, lastAt: seen?.lastAt ?? null }
  })
  return html`<p class="crumbs"><a href="/">Overview</a></p>
<h1>${foreign(name, 100)}</h1>
<div id="instance" data-live class="stack">
${how(deps, config, overview, visit)}
${targetsOf(config, overview, visit)}
</div>
${plot(name)}
<div id="instance-more" data-live class="stack">
${webhookOf(deps, config, overview, secrets, visit)}
<section class="card" aria-labelledby="latest"><div class="bar-head"><h2 id="latest">What happened</h2><p><a href="${link.list('/events', { instance: name })}">All its events</a></p></div>${events.items.length === 0 ? empty('Nothing yet', 'Its first delivery or dispatch will be told here.') : eventList(events.items, { now: visit.now, of: 'instance' })}</section>
</div>`
}

function how(deps: DashboardDeps, config: InstanceConfig, overview: Overview, visit: Visit): Html {
  const { now } = visit
  const worker = deps.workers.get(config.name)
  const paused = overview.paused.has(config.name)
  const health = healthOf(config, worker, paused, now)
  const { level, owner, name } = config.scope
  return html`<section class="card" aria-label="How it is doing"><div class="bar-head">${chip(health.shape, health.word)}${health.shape === 'trouble' && paused ? chip('paused', 'paused') : ''}${actions(visit, config.name, paused)}</div>
${health.meaning === null ? '' : html`<p class="sentence">${health.meaning}</p>`}
<dl class="facts">
<div><dt>Forge</dt><dd>${config.forge.kind}${worker?.capabilities?.version ? ` ${worker.capabilities.version}` : ''}</dd></div>
<div><dt>Scope</dt><dd>${level} ${foreign([owner, name].filter(Boolean).join('/'))}</dd></div>
<div><dt>Mode</dt><dd>${worker?.mode ?? 'not started'}</dd></div>
<div><dt>Last look</dt><dd>${when(worker?.lastLook?.beganAt, now, 'none yet')}</dd></div>
<div><dt>Next look</dt><dd>${when(worker?.nextLookAt, now, 'none planned')}</dd></div>
<div><dt>Last delivery</dt><dd>${when(overview.deliveries.get(config.name)?.lastAt, now, 'none yet')}</dd></div>
<div><dt>Last job event</dt><dd>${when(overview.deliveries.get(config.name)?.lastJobEventAt, now, 'none yet')}</dd></div>
<div><dt>Jobs</dt><dd><a href="${link.list('/jobs', { instance: config.name })}">${count(open(overview, config.name))} open</a></dd></div>
</dl></section>`
}

function open({ jobs }: Overview, instance: string): number {
  return jobs.filter((row) => row.instance === instance).reduce((all, row) => all + row.jobs, 0)
}

function targetsOf(config: InstanceConfig, overview: Overview, visit: Visit): Html {
  const own = ofInstance(overview, config.name)
  return html`<section class="card" aria-labelledby="targets"><h2 id="targets">Targets</h2><ul class="targets">${config.targets.map((target) => html`<li><span class="target"><a href="${link.list('/jobs', { instance: config.name, target: target.name })}">${foreign(target.name, 64)}</a><small>${labelList(target.labels)}</small><small>${limits(target, visit)}</small></span>${loadBar(loadOfTarget(own, target.name), target.max)}</li>`)}${unassigned(own)}</ul></section>`
}

function limits(target: Target, { now }: Visit): Html {
  const change = nextScheduleChange(target, now)
  return html`on ${foreign(target.dispatcher, 48)} · min_idle ${minIdleAt(target, now)}${entryAt(target, now) ? ' by its schedule' : ''}${change ? html`, ${change.minIdle} ${when(change.at, now)}` : ''} · ttl ${span(target.ttl)}`
}

interface SecretSeen {
  source: string
  uses: number
  lastAt: number | null
}

function webhookOf(
  deps: DashboardDeps,
  config: InstanceConfig,
  _overview: Overview,
  secrets: readonly SecretSeen[],
  { now }: Visit,
): Html {
  const hook = deps.workers.get(config.name)?.hook
  if (secrets.length === 0)
    return html`<section class="card" aria-labelledby="webhook"><h2 id="webhook">Webhook</h2>${empty('It takes no webhooks', html`Jobs are found by looks alone, each ${span(config.pollInterval)}. With <code>webhook_secret</code> and <code>webhook.url</code> Muster hears of them at once.`)}</section>`
  return html`<section class="card" aria-labelledby="webhook"><h2 id="webhook">Webhook</h2><dl class="facts">
<div><dt>Path</dt><dd><code>/webhook/${config.name}</code></dd></div>
<div><dt>At the forge</dt><dd>${hook ? `hook ${hook.id}, ${hook.done}` : config.webhook ? 'not made sure of yet' : 'kept by hand'}</dd></div>
${secrets.map(({ source, uses, lastAt }, index) => html`<div><dt>Secret ${index + 1}</dt><dd>from ${source}; signed ${count(uses)}${lastAt === null ? '' : html`, last ${when(lastAt, now)}`}</dd></div>`)}
</dl>${hook && hook.notes.length > 0 ? html`<ul class="notes">${hook.notes.slice(0, 10).map((note) => html`<li>${foreign(note, 400)}</li>`)}</ul>` : ''}</section>`
}
