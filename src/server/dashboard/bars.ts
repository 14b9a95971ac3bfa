import { html } from 'hono/html'
import type { Overview } from '../../store/store.ts'
import { count, type Html, mark, type Shape } from './marks.ts'

/** How many runners of a target, or of a dispatcher, are in which state, and how many jobs wait for one. */
export interface Load {
  busy: number
  idle: number
  booting: number
  /** They count toward `max`, and nobody sees their runner: offline, or not come in time. */
  unseen: number
  queued: number
}

export const noLoad: Load = { busy: 0, idle: 0, booting: 0, unseen: 0, queued: 0 }

/** The load of what fits, added up. */
export function loadOf(
  overview: Overview,
  fits: (row: { instance: string; target: string | null; dispatcher?: string }) => boolean,
): Load {
  const load = { ...noLoad }
  for (const row of overview.runners) if (fits(row)) load[row.state] += row.runners
  for (const row of overview.jobs) if (row.state === 'queued' && fits(row)) load.queued += row.jobs
  return load
}

export function liveOf({ busy, idle, booting, unseen }: Load): number {
  return busy + idle + booting + unseen
}

const parts: readonly [key: Exclude<keyof Load, 'queued'>, shape: Shape, word: string][] = [
  ['busy', 'busy', 'busy'],
  ['idle', 'idle', 'idle'],
  ['booting', 'booting', 'booting'],
  ['unseen', 'trouble', 'unseen'],
]

/** A bar of what lives, out of `max`, a thin one of what waits, and the same in words. Without a limit the bar is as long as what there is. */
export function loadBar(load: Load, max: number | null): Html {
  const live = liveOf(load)
  const whole = Math.max(max ?? live, live, 1)
  let x = 0
  const pieces = parts.map(([key]) => {
    const piece = { key, x, width: load[key] }
    x += load[key]
    return piece
  })
  const queued = Math.min(load.queued, whole)
  return html`<div class="load"><svg class="bar" viewBox="0 0 ${whole} 10" preserveAspectRatio="none" aria-hidden="true"><rect class="ground" width="${whole}" height="7"/>${pieces.map(({ key, x, width }) => (width === 0 ? '' : html`<rect class="${key}" x="${x}" width="${width}" height="7"/>`))}${queued === 0 ? '' : html`<rect class="queued" y="8" width="${queued}" height="2"/>`}</svg>
<p class="counts">${parts.map(([key, shape, word]) => (load[key] === 0 ? '' : html`<span>${mark(shape)}${count(load[key])} ${word}</span> `))}${live === 0 ? html`<span class="none">no runner</span> ` : ''}<span class="of">${max === null ? 'no limit' : `max ${count(max)}`}</span>${load.queued === 0 ? '' : html` <span class="waits">${mark('queued')}${count(load.queued)} queued</span>`}</p></div>`
}
