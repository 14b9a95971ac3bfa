import { html } from 'hono/html'
import { runnerPage } from '../runner-list.ts'
import type { DashboardDeps } from './deps.ts'
import { chooser, filterForm, pager, tabs } from './filters.ts'
import type { Visit } from './frame.ts'
import { instances, targets } from './jobs.ts'
import { chip, empty, foreign, type Html, labelList, link, type Shape, when } from './marks.ts'

const pageSize = 50

export interface RunnersQuery {
  show?: string
  instance?: string
  target?: string
  cursor?: string
}

const shapes: Record<string, Shape> = {
  booting: 'booting',
  idle: 'idle',
  busy: 'busy',
  offline: 'trouble',
  gone: 'over',
}

type Row = Awaited<ReturnType<typeof runnerPage>>['items'][number]

/** The page `/runners`: those that are there, booting ones first, or those that are gone. */
export async function runnersPage(deps: DashboardDeps, visit: Visit, query: RunnersQuery): Promise<Html> {
  const gone = query.show === 'gone'
  const { instance, target, cursor } = query
  const list = { instance: instance || undefined, target: target || undefined, cursor, limit: pageSize, gone }
  const { items, next } = await runnerPage(deps.store, list, visit.now)
  const path = (over: Partial<RunnersQuery>) => link.list('/runners', { ...query, cursor: undefined, ...over })
  return html`<h1>Runners</h1>
${tabs('Which runners', [
  { word: 'live', path: path({ show: '' }), current: !gone },
  { word: 'gone', path: path({ show: 'gone' }), current: gone },
])}
${filterForm('/runners', [
  gone ? html`<input type="hidden" name="show" value="gone">` : html``,
  chooser('instance', 'Instance', instances(deps), instance),
  chooser('target', 'Target', targets(deps, instance), target),
])}
<div id="runners" data-live>
${items.length === 0 ? nothing(gone, query) : runnerTable(items, visit)}
${pager({ first: cursor ? path({}) : null, next: next && path({ cursor: next }) })}
</div>`
}

function runnerTable(rows: readonly Row[], { now }: Visit): Html {
  const at = (time: string | null) => (time === null ? null : Date.parse(time))
  return html`<table class="cards"><thead><tr><th scope="col">Runner</th><th scope="col">State</th><th scope="col">Where</th><th scope="col">Labels</th><th scope="col">First seen</th></tr></thead>
<tbody>${rows.map(
    (row) => html`<tr>
<th scope="row">${row.name === null ? html`<span class="none">not named yet</span>` : html`<a href="${link.list('/events', { instance: row.instance, runner: row.name })}">${foreign(row.name, 64)}</a>`}<small>${row.dispatch === null ? 'not one of ours' : html`dispatch <a href="${link.list('/events', { dispatch: row.dispatch })}">${foreign(row.dispatch, 32)}</a>`}</small></th>
<td data-label="State">${chip(shapes[row.state] ?? 'over', row.state)}${row.state === 'gone' ? html`<small>${when(at(row.gone_at), now)}</small>` : row.idle_since === null ? '' : html`<small>idle since ${when(at(row.idle_since), now)}</small>`}</td>
<td data-label="Where"><a href="${link.instance(row.instance)}">${foreign(row.instance, 48)}</a><small>${row.target === null ? html`<span class="none">no target</span>` : foreign(row.target, 48)}</small></td>
<td data-label="Labels">${labelList(row.labels)}</td>
<td data-label="First seen" class="number">${when(at(row.first_seen_at), now, 'not yet')}</td>
</tr>`,
  )}</tbody></table>`
}

function nothing(gone: boolean, { instance, target, cursor }: RunnersQuery): Html {
  if (cursor) return empty('This was the last page', 'Nothing comes after it.')
  if (instance || target) return empty('No runner fits this filter', html`<a href="/runners">Show all runners</a>`)
  return gone
    ? empty('No runner has gone yet', 'Runners that are gone are remembered for seven days.')
    : empty(
        'No runner is up',
        'That is as it should be while no job waits: with min_idle 0 nothing runs, and nothing costs.',
      )
}
