import { html } from 'hono/html'
import { exact, type Html, span } from './marks.ts'
import type { Bar } from './timeline.ts'

const width = 1_000
/** A stretch of no length is still to be seen. */
const least = 6

/** The bars on one scale, each with its length in words. */
export function timeline(bars: readonly Bar[]): Html {
  const begin = Math.min(...bars.map(({ from }) => from))
  const whole = Math.max(1, Math.max(...bars.map(({ to }) => to)) - begin)
  const x = (at: number) => ((at - begin) / whole) * width
  return html`<ol class="timeline">${bars.map((bar) => {
    const length = Math.max(least, x(bar.to) - x(bar.from))
    const from = Math.min(x(bar.from), width - length)
    return html`<li class="${bar.kind}"><span class="bar-label">${bar.label}</span><svg class="track" viewBox="0 0 ${width} 10" preserveAspectRatio="none" aria-hidden="true"><rect class="ground" width="${width}" height="10"/><rect class="stretch" x="${from.toFixed(1)}" width="${length.toFixed(1)}" height="10"/></svg><span class="bar-length" title="from ${exact(bar.from)}">${span(bar.to - bar.from)}${bar.open ? ', goes on' : ''}</span></li>`
  })}</ol>
<p class="scale"><time datetime="${new Date(begin).toISOString()}" data-clock>${exact(begin)}</time><span>${span(whole)} in all</span></p>`
}
