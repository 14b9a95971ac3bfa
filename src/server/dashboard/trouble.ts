import { html } from 'hono/html'
import { bareFrame, type Visit } from './frame.ts'
import type { Html } from './marks.ts'

/** What a page has to say where an answer of the API is a problem. */
export interface Trouble {
  status: number
  detail: string
  /** Of a failure that the log has under the same id. */
  id?: string
}

/** The page in place of one that cannot be shown: what is wrong, what goes on meanwhile, where to go. */
export function troublePage(visit: Pick<Visit, 'assets'>, trouble: Trouble): Html {
  const { title, meaning } = words(trouble)
  return bareFrame(
    visit,
    title,
    html`<h1>${title}</h1>
${meaning}
<p><a href="/">To the overview</a></p>`,
  )
}

function words({ status, detail, id }: Trouble): { title: string; meaning: Html } {
  switch (status) {
    case 404:
      return {
        title: 'There is nothing here',
        meaning: html`<p>${sentence(detail)} Jobs that are over are forgotten after seven days.</p>`,
      }
    case 403:
      return { title: 'That is not yours to do', meaning: html`<p>${sentence(detail)}</p>` }
    case 429:
      return {
        title: 'Too many wrong tokens',
        meaning: html`<p>Wait a minute, then try again. ${sentence(detail)}</p>`,
      }
    case 503:
      return {
        title: 'The state is out of reach',
        meaning: html`<p>Muster cannot read or write its state now: the disk may be full, or the database away. Runners that are up work on. Deliveries are answered with 503 until it is back, and what a forge does not send again is found by the next look.</p><p>This page tries again by itself; <code>/readyz</code> and the log tell more.</p>`,
      }
    case 500:
      return {
        title: 'This failed on our side',
        meaning: html`<p>The log tells why${id === undefined ? '' : html`, under the id <code>${id}</code>`}.</p>`,
      }
    default:
      return { title: 'That did not work', meaning: html`<p>${sentence(detail)}</p>` }
  }
}

function sentence(text: string): string {
  const begun = text.slice(0, 1).toUpperCase() + text.slice(1, 400)
  return /[.!?]$/.test(begun) ? begun : `${begun}.`
}
