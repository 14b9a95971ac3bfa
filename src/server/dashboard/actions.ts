import { html } from 'hono/html'
import { mayOperate, type Visit } from './frame.ts'
import { type Html, link } from './marks.ts'
import type { JobRow } from './words.ts'

/** What an operator may ask of an instance: buttons of a form, so that they work without a script. A reader sees none. */
export function actions(visit: Visit, name: string, paused: boolean): Html {
  if (!mayOperate(visit)) return html``
  const button = (action: string, word: string) =>
    html`<button formaction="/instances/${encodeURIComponent(name)}/${action}" aria-label="${word} ${name}">${word}</button>`
  return html`<form class="actions" method="post" data-action><input type="hidden" name="back" value="${visit.here}">${button('look', 'Look now')}${paused ? button('resume', 'Resume') : button('pause', 'Pause')}</form>`
}

/** For a job that something of ours keeps back. */
export function retryButton(visit: Visit, job: JobRow): Html {
  const isKeptBack = ['stuck', 'backoff', 'dispatcher_down'].includes(job.verdict ?? '')
  if (!mayOperate(visit) || !isKeptBack) return html``
  return html`<form class="actions" method="post" action="${link.job(job)}/retry"><input type="hidden" name="back" value="${visit.here}"><button>Ask for a runner now</button></form>`
}
