import type { z } from '@hono/zod-openapi'
import { isPending } from '../core/dispatch.ts'
import type { Runner as RunnerRow, RunnerState } from '../core/runner.ts'
import { BadCursor, type ListQuery, type Store } from '../store/store.ts'
import type { Runner } from './api-schemas.ts'
import * as present from './presenters.ts'

type Page = { items: z.output<typeof Runner>[]; next: string | null }

/** Runners with the booting ones first: dispatches whose runner has not shown itself. A cursor tells which part it belongs to. */
export async function runnerPage(
  store: Pick<Store, 'dispatches' | 'runners'>,
  { cursor, gone, state, ...query }: RunnerListQuery,
  now: number,
): Promise<Page> {
  const [part, rest] = split(cursor)
  const wantsBooting = state === undefined ? !gone : state === 'booting'
  const booting = part === 'booting' && wantsBooting ? await bootingPage(store, { ...query, cursor: rest }, now) : null
  if (booting && booting.next !== null) return { ...booting, next: `booting:${booting.next}` }
  const items = booting?.items ?? []
  if (state === 'booting') return { items, next: null }
  if (items.length === query.limit) return { items, next: 'shown:' }

  const left = query.limit - items.length
  const from = part === 'shown' ? rest : undefined
  const shown = await store.runners({ ...query, gone: gone || state === 'gone', state, limit: left, cursor: from })
  const targets = await targetsOf(store, shown.items)
  const rows = shown.items.map((row) => present.runner(row, targets.get(row.dispatch ?? '') ?? null))
  return { items: [...items, ...rows], next: shown.next === null ? null : `shown:${shown.next}` }
}

interface RunnerListQuery extends ListQuery {
  gone?: boolean
  state?: RunnerState
}

/** Goes on until the page is full: some that have no runner yet are believed in no more. */
async function bootingPage(store: Pick<Store, 'dispatches'>, query: ListQuery, now: number): Promise<Page> {
  const items: Page['items'] = []
  let { cursor } = query
  do {
    const page = await store.dispatches({
      ...query,
      live: true,
      untied: true,
      limit: query.limit - items.length,
      cursor,
    })
    items.push(...page.items.filter((row) => isPending(row, now)).map(present.bootingRunner))
    cursor = page.next ?? undefined
  } while (cursor !== undefined && items.length < query.limit)
  return { items, next: cursor ?? null }
}

/** The targets of these dispatches, by id. */
async function targetsOf(
  store: Pick<Store, 'dispatches'>,
  runners: readonly Pick<RunnerRow, 'dispatch'>[],
): Promise<Map<string, string>> {
  const ids = runners.flatMap(({ dispatch }) => dispatch ?? [])
  if (ids.length === 0) return new Map()
  const { items } = await store.dispatches({ ids, limit: ids.length })
  return new Map(items.map(({ id, target }) => [id, target]))
}

function split(cursor = 'booting:'): ['booting' | 'shown', string | undefined] {
  const [, part, rest] = /^(booting|shown):(.*)$/.exec(cursor) ?? []
  if (part === undefined)
    throw new BadCursor(`"${cursor}" is no cursor of this list: take the \`next\` of a page, as it is`)
  return [part === 'booting' ? 'booting' : 'shown', rest || undefined]
}
