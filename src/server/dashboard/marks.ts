import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

/** A piece of a page, with what came from outside made harmless. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>

/** The shapes that say how something is, besides its colour; each is a symbol of `symbols.ts`. */
export type Shape =
  | 'good'
  | 'busy'
  | 'idle'
  | 'booting'
  | 'queued'
  | 'waiting'
  | 'trouble'
  | 'paused'
  | 'over'
  | 'failed'

/** A shape and a word. */
export function chip(shape: Shape, word: string): Html {
  return html`<span class="chip ${shape}">${mark(shape)}${word}</span>`
}

export function mark(shape: Shape): Html {
  return html`<svg class="mark ${shape}" aria-hidden="true"><use href="#${shape}"/></svg>`
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** A moment as the distance to it, with the moment itself behind it; a dash for none. The browser keeps the distance true. */
export function when(at: number | null | undefined, now: number, none = '–'): Html {
  if (at === null || at === undefined || !Number.isFinite(at) || Math.abs(at) > 8e15)
    return html`<span class="none">${none}</span>`
  const iso = new Date(at).toISOString()
  return html`<time datetime="${iso}" title="${exact(at)}">${distance(at - now)}</time>`
}

/** `2026-03-02 12:00:00 UTC` */
export function exact(at: number): string {
  return new Date(at)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC')
}

/** `3 min ago`, `in 20 s`. `static/times.js` says the same. */
export function distance(ms: number): string {
  const far = Math.abs(ms)
  if (far < second) return 'now'
  const text =
    far < minute
      ? `${Math.floor(far / second)} s`
      : far < hour
        ? `${Math.floor(far / minute)} min`
        : far < 2 * day
          ? `${Math.floor(far / hour)} h`
          : `${Math.floor(far / day)} d`
  return ms < 0 ? `${text} ago` : `in ${text}`
}

/** How long, with two units at most: `850 ms`, `2.4 s`, `3 min 20 s`, `2 h 5 min`. */
export function span(ms: number): string {
  if (ms < second) return `${Math.round(ms)} ms`
  if (ms < 10 * second) return `${(ms / second).toFixed(1)} s`
  const [unit, small, words] =
    ms < hour ? [minute, second, 'min s'] : ms < day ? [hour, minute, 'h min'] : [day, hour, 'd h']
  const [much = '', little = ''] = words.split(' ')
  if (ms < minute) return `${Math.floor(ms / second)} s`
  const rest = Math.floor((ms % unit) / small)
  return `${Math.floor(ms / unit)} ${much}${rest > 0 ? ` ${rest} ${little}` : ''}`
}

/** 12,345 */
export function count(number: number): string {
  return number.toLocaleString('en-US')
}

/** A name that somebody else chose: set apart, so that what it holds turns no text around it, and cut where it is endless. */
export function foreign(text: string, most = 120): Html {
  const [shown, isCut] = cut(text, most)
  return isCut ? html`<bdi title="${cut(text, 500)[0]}">${shown}…</bdi>` : html`<bdi>${shown}</bdi>`
}

function cut(text: string, most: number): [string, boolean] {
  return text.length > most ? [text.slice(0, most).toWellFormed(), true] : [text.toWellFormed(), false]
}

export function labelList(labels: readonly string[], most = 8): Html {
  if (labels.length === 0) return html`<span class="none">no labels</span>`
  const rest = labels.length - most
  return html`<span class="labels">${labels.slice(0, most).map((label) => html`<code>${foreign(label, 48)}</code> `)}${rest > 0 ? html`<span class="none">and ${rest} more</span>` : ''}</span>`
}

/** A link to a page of the forge; null where the address is not one of the configured forge itself. */
export function forgeLink(url: string | null, base: URL): string | null {
  if (url === null || !URL.canParse(url)) return null
  const parsed = new URL(url)
  return /^https?:$/.test(parsed.protocol) && parsed.origin === base.origin ? parsed.href : null
}

/** What there is to say where a list is empty: never just nothing. */
export function empty(title: string, meaning: Html | string): Html {
  return html`<div class="empty"><p class="empty-title">${title}</p><p>${meaning}</p></div>`
}

export const link = {
  job: (job: { instance: string; id: string }, round?: number) =>
    `/jobs/${encodeURIComponent(job.instance)}/${encodeURIComponent(job.id)}${round === undefined ? '' : `?round=${round}`}`,
  instance: (name: string) => `/instances/${encodeURIComponent(name)}`,
  list: (path: string, query: Readonly<Record<string, string | number | null | undefined>>) => {
    const given = Object.entries(query).flatMap(([key, value]) =>
      value === null || value === undefined || value === '' ? [] : [[key, String(value)] as [string, string]],
    )
    return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`
  },
}
