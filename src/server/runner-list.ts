import type { z } from '@hono/zod-openapi'
import { type Dispatch, isPending } from '../core/dispatch.ts'
import type { RunnerState } from '../core/runner.ts'
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

  const targets = await targetsOfLive(store, query)
  const left = query.limit - items.length
  const from = part === 'shown' ? rest : undefined
  const shown = await store.runners({ ...query, gone: gone || state === 'gone', state, limit: left, cursor: from })
  const rows = shown.items.map((row) => present.runner(row, targets.get(row.dispatch ?? '') ?? null))
  return { items: [...items, ...rows], next: shown.next === null ? null : `shown:${shown.next}` }
}

interface RunnerListQuery extends ListQuery {
  gone?: boolean
  state?: RunnerState
}

/** Goes on until the page is full: most live dispatches are no longer booting. */
async function bootingPage(store: Pick<Store, 'dispatches'>, query: ListQuery, now: number): Promise<Page> {
  const items: Page['items'] = []
  let { cursor } = query
  do {
    const page = await store.dispatches({ ...query, live: true, limit: query.limit - items.length, cursor })
    items.push(...page.items.filter((row) => isPending(row, now)).map(present.bootingRunner))
    cursor = page.next ?? undefined
  } while (cursor !== undefined && items.length < query.limit)
  return { items, next: cursor ?? null }
}

async function targetsOfLive(store: Pick<Store, 'dispatches'>, { instance }: ListQuery): Promise<Map<string, string>> {
  const live = await liveDispatches(store, { instance })
  return new Map(live.map(({ id, target }) => [id, target]))
}

/** All dispatches that are not gone: as many as the targets' `max` together allow, so a bounded number. */
async function liveDispatches(store: Pick<Store, 'dispatches'>, query: { instance?: string }): Promise<Dispatch[]> {
  const all: Dispatch[] = []
  let cursor: string | undefined
  do {
    const page = await store.dispatches({ ...query, live: true, limit: 500, cursor })
    all.push(...page.items)
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return all
}

function split(cursor = 'booting:'): ['booting' | 'shown', string | undefined] {
  const [, part, rest] = /^(booting|shown):(.*)$/.exec(cursor) ?? []
  if (part === undefined)
    throw new BadCursor(`"${cursor}" is no cursor of this list: take the \`next\` of a page, as it is`)
  return [part === 'booting' ? 'booting' : 'shown', rest || undefined]
}
