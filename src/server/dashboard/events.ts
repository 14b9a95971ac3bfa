import { html } from 'hono/html'
import { type EventType, eventTypes } from '../../core/event.ts'
import type { DashboardDeps } from './deps.ts'
import { chooser, filterForm, pager, tabs, textField } from './filters.ts'
import type { Visit } from './frame.ts'
import { instances } from './jobs.ts'
import { empty, type Html, link } from './marks.ts'
import { eventList } from './trail.ts'

const pageSize = 100

export interface EventsQuery {
  about?: string
  type?: string
  instance?: string
  runner?: string
  dispatch?: string
  cursor?: string
}

const subjects: readonly [word: string, fits: RegExp][] = [
  ['jobs', /^(?:job|round|verdict)_/],
  ['dispatches', /^(?:dispatch|freed|request)_|^runner_requested/],
  ['runners', /^runner_/],
  ['forges', /^(?:delivery|webhook|look|mode|hook)_/],
  ['by hand', /^(?:paused|resumed|reload_asked|look_asked|job_retried|request_cancelled|config_\w+)$/],
]

/** The page `/events`: what happened, the newest first. */
export async function eventsPage({ store, ...deps }: DashboardDeps, visit: Visit, query: EventsQuery): Promise<Html> {
  const { instance, cursor } = query
  const runner = instance ? query.runner || undefined : undefined
  const dispatch = query.dispatch || undefined
  const subject = subjects.find(([word]) => word === query.about)
  const type = eventTypes.find((one) => one === query.type)
  const types: readonly EventType[] | undefined = type
    ? [type]
    : subject && eventTypes.filter((one) => subject[1].test(one))
  const { items, next } = await store.events({
    instance: instance || undefined,
    runner,
    dispatch,
    types,
    cursor,
    limit: pageSize,
  })
  const path = (over: Partial<EventsQuery>) => link.list('/events', { ...query, cursor: undefined, ...over })
  return html`<h1>Events</h1>
${tabs('About', [
  { word: 'all', path: path({ about: '', type: '' }), current: !subject },
  ...subjects.map(([word]) => ({ word, path: path({ about: word, type: '' }), current: subject?.[0] === word })),
])}
${filterForm('/events', [
  subject ? html`<input type="hidden" name="about" value="${subject[0]}">` : html``,
  chooser('instance', 'Instance', instances(deps), instance),
  chooser('type', 'Type', eventTypes, type),
  textField('dispatch', 'Dispatch', query.dispatch, 'id'),
  runner ? textField('runner', 'Runner', runner, 'name') : html``,
])}
<div id="events" data-live>
${items.length === 0 ? nothing(query) : html`<section class="card">${eventList(items, { now: visit.now })}</section>`}
${pager({ first: cursor ? path({}) : null, next: next && path({ cursor: next }) })}
</div>`
}

function nothing({ cursor, ...filters }: EventsQuery): Html {
  if (cursor) return empty('This was the last page', 'Older events were forgotten.')
  if (Object.values(filters).some(Boolean))
    return empty('No event fits this filter', html`<a href="/events">Show all events</a>`)
  return empty('Nothing has happened yet', 'Each delivery, dispatch and runner will leave a line here, for seven days.')
}
