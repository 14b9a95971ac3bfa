import { html } from 'hono/html'
import type { JobState } from '../../core/job.ts'
import { BadCursor, type ListQuery, type Page, type ShownJob, type Store } from '../../store/store.ts'
import { job as presented } from '../presenters.ts'
import type { DashboardDeps } from './deps.ts'
import { chooser, filterForm, pager, tabs } from './filters.ts'
import type { Visit } from './frame.ts'
import { chip, empty, foreign, type Html, labelList, link, when } from './marks.ts'
import { type JobRow, standing, why } from './words.ts'

const pageSize = 50

export interface JobsQuery {
  state?: string
  instance?: string
  target?: string
  cursor?: string
}

const shownStates = ['open', 'queued', 'running', 'waiting', 'finished'] as const
type Shown = (typeof shownStates)[number]

/** What is open, in the order in which it needs attention. */
const openStates: readonly JobState[] = ['queued', 'running', 'waiting']

/** The page `/jobs`: never more than a page of them, each with the reason why it has, or has not, a runner. */
export async function jobsPage(deps: DashboardDeps, visit: Visit, query: JobsQuery): Promise<Html> {
  const { store } = deps
  const shown = shownStates.find((one) => one === query.state) ?? 'open'
  const { instance, target, cursor } = query
  const list = { instance: instance || undefined, target: target || undefined, cursor, limit: pageSize }
  const page = shown === 'open' ? await openJobs(store, list) : await store.jobs({ ...list, state: shown })
  const rows = page.items.map(presented)
  const path = (over: Partial<JobsQuery>) => link.list('/jobs', { ...query, cursor: undefined, ...over })

  return html`<h1>Jobs</h1>
${tabs(
  'State',
  shownStates.map((state) => ({
    word: state,
    path: path({ state: state === 'open' ? '' : state }),
    current: state === shown,
  })),
)}
${filterForm('/jobs', [
  query.state ? html`<input type="hidden" name="state" value="${query.state}">` : html``,
  chooser('instance', 'Instance', instances(deps), instance),
  chooser('target', 'Target', targets(deps, instance), target),
])}
<div id="jobs" data-live>
${rows.length === 0 ? nothing(shown, query) : jobTable(rows, visit)}
${pager({ first: cursor ? path({}) : null, next: page.next && path({ cursor: page.next }) })}
</div>`
}

export function jobTable(rows: readonly JobRow[], visit: Visit): Html {
  return html`<table class="cards"><thead><tr><th scope="col">Job</th><th scope="col">Verdict</th><th scope="col">Where</th><th scope="col">Labels</th><th scope="col">Since</th></tr></thead>
<tbody>${rows.map((row) => jobRow(row, visit))}</tbody></table>`
}

function jobRow(row: JobRow, { now }: Visit): Html {
  const { shape, word } = standing(row)
  const since = {
    waiting: row.first_seen_at,
    queued: row.queued_at,
    running: row.started_at,
    finished: row.finished_at,
  }
  return html`<tr>
<th scope="row"><a href="${link.job(row, row.round)}">${foreign(row.name || row.id, 80)}</a><small>${row.repository === null ? html`<span class="none">repository not known</span>` : foreign(row.repository, 80)}${row.round > 1 ? ` · round ${row.round}` : ''}</small></th>
<td data-label="Verdict">${chip(shape, word)}<small>${foreign(why(row), 200)}${until(row, now)}</small></td>
<td data-label="Where"><a href="${link.instance(row.instance)}">${foreign(row.instance, 48)}</a><small>${row.target === null ? html`<span class="none">no target</span>` : foreign(row.target, 48)}</small></td>
<td data-label="Labels">${labelList(row.labels)}</td>
<td data-label="Since" class="number">${when(stamp(since[row.state] ?? row.first_seen_at), now)}</td>
</tr>`
}

function until({ until }: JobRow, now: number): Html | string {
  return until === null ? '' : html`, ${when(Date.parse(until), now)}`
}

function stamp(time: string | null): number | null {
  return time === null ? null : Date.parse(time)
}

/** One list after the other. A cursor says in which it is. */
async function openJobs(store: Pick<Store, 'jobs'>, { cursor, limit, ...query }: ListQuery): Promise<Page<ShownJob>> {
  const [, part = '', rest = ''] = /^(\w+):(.*)$/.exec(cursor ?? 'queued:') ?? []
  const begin = openStates.indexOf(part as JobState)
  if (begin === -1) throw new BadCursor(`"${cursor}" is no cursor of this list: take the \`next\` of a page, as it is`)
  const items: ShownJob[] = []
  for (const state of openStates.slice(begin)) {
    if (items.length === limit) return { items, next: `${state}:` }
    const page = await store.jobs({
      ...query,
      state,
      limit: limit - items.length,
      cursor: state === part && rest !== '' ? rest : undefined,
    })
    items.push(...page.items)
    if (page.next !== null) return { items, next: `${state}:${page.next}` }
  }
  return { items, next: null }
}

function nothing(shown: Shown, { instance, target, cursor }: JobsQuery): Html {
  if (cursor) return empty('This was the last page', 'Nothing comes after it.')
  if (instance || target) return empty('No job fits this filter', html`<a href="/jobs">Show all open jobs</a>`)
  switch (shown) {
    case 'open':
      return empty(
        'No job is open',
        'Nothing waits and nothing runs. The next job that a forge queues shows up here by itself.',
      )
    case 'queued':
      return empty('No job waits for a runner', 'Every job that was queued has been taken, or is over.')
    case 'running':
      return empty('No job runs', 'None of the jobs that we know of is at work now.')
    case 'waiting':
      return empty('No job waits for others', 'Jobs that need other jobs, or an approval, would be here.')
    case 'finished':
      return empty('No job is over yet', 'Jobs that are over are remembered for seven days.')
  }
}

export function instances({ config }: Pick<DashboardDeps, 'config'>): string[] {
  return config().instances.map(({ name }) => name)
}

export function targets({ config }: Pick<DashboardDeps, 'config'>, instance: string | undefined): string[] {
  const fitting = config().instances.filter(({ name }) => !instance || name === instance)
  return [...new Set(fitting.flatMap(({ targets }) => targets.map(({ name }) => name)))].sort()
}
