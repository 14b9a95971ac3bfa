import type { Context } from 'hono'

/** How a forge cuts its lists. */
export interface PagingRule {
  /** The query parameter that names a page's size. */
  size: 'limit' | 'per_page'
  /** More than this is cut down to it, silently. */
  max: number
}

export interface Page<T> {
  items: T[]
  /** All items over all pages. */
  total: number
  /** The `Link` header; empty on the only page. */
  link: string
}

const usual = 30

/** One page of a list, as the query asks for it. A size or a page that makes no sense counts as not given. */
export function pageOf<T>(c: Context, all: readonly T[], { size, max }: PagingRule): Page<T> {
  const asked = Number(c.req.query(size))
  const length = Number.isInteger(asked) && asked > 0 ? Math.min(asked, max) : usual
  const page = Math.max(1, Math.trunc(Number(c.req.query('page'))) || 1)
  const last = Math.max(1, Math.ceil(all.length / length))
  const to = (number: number, rel: string) => {
    const url = new URL(c.req.url)
    url.searchParams.set('page', String(number))
    return `<${url}>; rel="${rel}"`
  }
  const links = [
    ...(page < last ? [to(page + 1, 'next'), to(last, 'last')] : []),
    ...(page > 1 ? [to(1, 'first'), to(page - 1, 'prev')] : []),
  ]
  return { items: all.slice((page - 1) * length, page * length), total: all.length, link: links.join(', ') }
}
