import { html } from 'hono/html'
import { foreign, type Html } from './marks.ts'

/** A form of filters. It works without a script; with one it is sent as soon as something is chosen. */
export function filterForm(path: string, fields: readonly Html[]): Html {
  return html`<form class="filters" method="get" action="${path}" data-filter role="search">${fields}<button>Filter</button></form>`
}

/** One choice among a few; not shown where there is nothing to choose. */
export function chooser(name: string, word: string, options: readonly string[], chosen: string | undefined): Html {
  if (options.length < 2 && !chosen) return html``
  const known = chosen && !options.includes(chosen) ? [chosen, ...options] : options
  return html`<label>${word} <select name="${name}"><option value="">all</option>${known.map((option) => html`<option${option === chosen ? html` selected` : ''} value="${option}">${cut(option)}</option>`)}</select></label>`
}

export function textField(name: string, word: string, value: string | undefined, hint: string): Html {
  return html`<label>${word} <input type="search" name="${name}" value="${value ?? ''}" placeholder="${hint}" maxlength="200"></label>`
}

export interface Tab {
  word: string
  path: string
  current: boolean
}

export function tabs(about: string, all: readonly Tab[]): Html {
  return html`<nav class="tabs" aria-label="${about}"><ul>${all.map(({ word, path, current }) => html`<li><a href="${path}"${current ? html` aria-current="true"` : ''}>${word}</a></li>`)}</ul></nav>`
}

/** Where a list goes on. Lists have no numbers of pages: what comes and goes would move them. */
export function pager({ first, next }: { first: string | null; next: string | null }): Html {
  if (first === null && next === null) return html``
  return html`<nav class="pager" aria-label="Pages of the list">${first === null ? '' : html`<a href="${first}">First page</a>`}${next === null ? '' : html`<a href="${next}" rel="next">Next page</a>`}</nav>`
}

function cut(text: string): string | Html {
  return text.length > 60 ? foreign(text, 60) : text
}
