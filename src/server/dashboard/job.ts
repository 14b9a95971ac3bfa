import { html } from 'hono/html'
import type { StoredEvent } from '../../core/event.ts'
import type { Job } from '../../core/job.ts'
import { instanceNamed } from '../api-deps.ts'
import { type JobStory, storyOf } from '../job-story.ts'
import { job as presented } from '../presenters.ts'
import { retryButton } from './actions.ts'
import type { DashboardDeps } from './deps.ts'
import type { Visit } from './frame.ts'
import { chip, empty, foreign, forgeLink, type Html, labelList, link, when } from './marks.ts'
import { barsOf } from './timeline.ts'
import { timeline } from './timeline-drawing.ts'
import { eventList } from './trail.ts'
import { type JobRow, standing } from './words.ts'

export interface JobPage {
  title: string
  body: Html
}

/** The page of one job: why it stands as it does, its way drawn, what happened to it. Null where it is not known. */
export async function jobPage(
  deps: DashboardDeps,
  visit: Visit,
  instance: string,
  id: string,
  round?: number,
): Promise<JobPage | null> {
  const { store } = deps
  const row = await store.job(instance, id, round)
  if (!row) return null
  const newest = row.round > 1 || round !== undefined ? await store.job(instance, id) : row
  const { trail, ...told } = await storyOf(deps, row)
  const shown = presented(row)
  const body = html`${header(deps, shown, visit)}
<div id="job" data-live class="stack">
${standingOf(shown, told, visit)}
${way(row, trail, visit)}
${facts(shown, visit)}
${story(row, trail, visit)}
</div>
${rounds(shown, newest?.round ?? row.round)}`
  return { title: row.name.slice(0, 60).toWellFormed() || id, body }
}

function header(deps: DashboardDeps, row: JobRow, _visit: Visit): Html {
  const base = instanceNamed(deps, row.instance)?.forge.options.baseUrl
  const page = base ? forgeLink(row.url, base) : null
  return html`<p class="crumbs"><a href="/jobs">Jobs</a> / <a href="${link.instance(row.instance)}">${foreign(row.instance, 48)}</a></p>
<h1>${foreign(row.name || row.id, 200)}</h1>
<p class="under">${row.repository === null ? html`<span class="none">repository not known</span>` : foreign(row.repository)} · job ${foreign(row.id, 64)}${row.round > 1 ? ` · round ${row.round}` : ''}${page === null ? '' : html` · <a href="${page}" rel="noreferrer">at the forge</a>`}</p>`
}

function standingOf(row: JobRow, { sentence, next }: Pick<JobStory, 'sentence' | 'next'>, visit: Visit): Html {
  const { shape, word } = standing(row)
  return html`<section class="card say ${shape}" aria-label="Verdict"><div class="bar-head">${chip(shape, word)}${retryButton(visit, row)}</div><p class="sentence">${foreign(sentence, 600)}.</p>${next.sentence === null ? '' : html`<p class="under">Next: ${foreign(next.sentence, 600)}.</p>`}</section>`
}

function way(row: Job, trail: readonly StoredEvent[], { now }: Visit): Html {
  const bars = barsOf(row, trail, now)
  return html`<section class="card" aria-labelledby="way"><h2 id="way">Its way</h2>${bars.length === 0 ? empty('Nothing to draw', 'What happened to it was forgotten, or is still to come.') : timeline(bars)}</section>`
}

function facts(row: JobRow, { now }: Visit): Html {
  const time = (text: string | null) => when(text === null ? null : Date.parse(text), now)
  return html`<section class="card" aria-labelledby="facts"><h2 id="facts">Facts</h2><dl class="facts">
<div><dt>State</dt><dd>${row.state}</dd></div>
<div><dt>Labels</dt><dd>${labelList(row.labels, 40)}</dd></div>
<div><dt>Target</dt><dd>${row.target === null ? html`<span class="none">none</span>` : foreign(row.target)}</dd></div>
<div><dt>Runner</dt><dd>${row.runner === null ? html`<span class="none">none</span>` : html`<a href="${link.list('/events', { instance: row.instance, runner: row.runner })}">${foreign(row.runner)}</a>`}</dd></div>
<div><dt>Runners asked for</dt><dd>${row.dispatches}</dd></div>
<div><dt>First seen</dt><dd>${time(row.first_seen_at)}</dd></div>
<div><dt>Queued</dt><dd>${time(row.queued_at)}</dd></div>
<div><dt>Started</dt><dd>${time(row.started_at)}</dd></div>
<div><dt>Ended</dt><dd>${time(row.finished_at)}</dd></div>
</dl></section>`
}

function story(row: Job, trail: readonly StoredEvent[], { now }: Visit): Html {
  const from = row.seenQueuedAt ?? row.firstSeenAt
  return html`<section class="card" aria-labelledby="trail"><h2 id="trail">What happened</h2>${
    trail.length === 0
      ? empty('Nothing is remembered', 'Events are kept for seven days; those of this job are older.')
      : eventList(trail, { now, from, of: 'job' })
  }</section>`
}

function rounds(row: JobRow, newest: number): Html {
  if (newest === 1) return html``
  const all = Array.from({ length: Math.min(newest, 20) }, (_, index) => newest - index)
  return html`<nav class="pager" aria-label="Rounds">${all.map((round) => (round === row.round ? html`<span aria-current="true">Round ${round}</span>` : html`<a href="${link.job(row, round)}">Round ${round}</a>`))}</nav>`
}
