import { html } from 'hono/html'
import { mayOperate, type Visit } from './frame.ts'
import type { Html } from './marks.ts'

/** What an operator may ask of an instance: buttons of a form, so that they work without a script. A reader sees none. */
export function actions(visit: Visit, name: string, paused: boolean): Html {
  if (!mayOperate(visit)) return html``
  const button = (action: string, word: string) =>
    html`<button formaction="/instances/${encodeURIComponent(name)}/${action}" aria-label="${word} ${name}">${word}</button>`
  return html`<form class="actions" method="post" data-action><input type="hidden" name="back" value="${visit.here}">${button('look', 'Look now')}${paused ? button('resume', 'Resume') : button('pause', 'Pause')}</form>`
}
