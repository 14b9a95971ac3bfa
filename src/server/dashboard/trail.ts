import { html } from 'hono/html'
import type { EventType, StoredEvent } from '../../core/event.ts'
import { exact, foreign, type Html, link, mark, type Shape, span, when } from './marks.ts'

const shapes: Partial<Record<EventType, Shape>> = {
  job_waiting: 'waiting',
  job_queued: 'queued',
  job_running: 'busy',
  job_finished: 'good',
  webhook_lost: 'trouble',
  dispatch_intended: 'booting',
  dispatch_sent: 'booting',
  dispatch_accepted: 'booting',
  dispatch_refused: 'failed',
  dispatch_unknown: 'trouble',
  freed_without_proof: 'trouble',
  runner_registered: 'idle',
  runner_tied: 'idle',
  runner_idle: 'idle',
  runner_busy: 'busy',
  runner_offline: 'trouble',
  runner_idled_out: 'trouble',
  paused: 'paused',
  config_refused: 'failed',
}

/** `dispatch_accepted` in words. */
export function eventWords(type: EventType): string {
  return type.replaceAll('_', ' ')
}

/** What happened, one line each; what a line is about are links. `from` is the moment that distances are told from, in place of now. */
export function eventList(events: readonly StoredEvent[], { now, from, of }: EventListOptions): Html {
  return html`<ol class="events">${events.map((event) => {
    const at =
      from === undefined
        ? when(event.at, now)
        : html`<time datetime="${new Date(event.at).toISOString()}" title="${exact(event.at)}" data-still>${event.at < from ? '−' : '+'}${span(Math.abs(event.at - from))}</time>`
    return html`<li id="event-${event.id}">${mark(shapes[event.type] ?? 'over')}<span class="event-at number">${at}</span><span class="event-what"><strong>${eventWords(event.type)}</strong> ${about(event, of)}${details(event)}</span></li>`
  })}</ol>`
}

interface EventListOptions {
  now: number
  /** Epoch milliseconds. */
  from?: number
  /** What the whole list is about needs no word in each line. */
  of?: 'job' | 'instance'
}

function about({ instance, job, target, dispatch, runner }: StoredEvent, of: EventListOptions['of']): Html {
  return html`${instance === '' || of ? '' : html`<a href="${link.instance(instance)}">${foreign(instance, 48)}</a> `}${
    job === null || of === 'job'
      ? ''
      : html`<a href="${link.job({ instance, id: job.id }, job.round)}">job ${foreign(job.id, 48)}</a> `
  }${target === null || of === 'job' ? '' : html`<span>on ${foreign(target, 48)}</span> `}${
    runner === null
      ? ''
      : html`<span>runner <a href="${link.list('/events', { instance, runner })}">${foreign(runner, 64)}</a></span> `
  }${dispatch === null || runner?.endsWith(dispatch) ? '' : html`<span>dispatch <a href="${link.list('/events', { dispatch })}">${foreign(dispatch, 32)}</a></span> `}`
}

function details({ detail }: StoredEvent): Html | string {
  const told = Object.entries(detail).filter(([, value]) => value !== null && value !== '')
  if (told.length === 0) return ''
  return html`<span class="detail">${told.map(([key, value]) => html`<span>${key.replaceAll('_', ' ')}: ${foreign(valueWords(key, value), 256)}</span> `)}</span>`
}

function valueWords(key: string, value: unknown): string {
  if (typeof value === 'number' && value > 1e12 && /^(?:until|at)$|_at$/.test(key)) return exact(value)
  return String(value)
}
