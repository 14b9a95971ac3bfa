import type { Dispatch } from './dispatch.ts'
import { fits, type LabelRules, offered } from './labels.ts'
import { byPriority } from './match.ts'
import type { Scope } from './scope.ts'
import type { Target } from './target.ts'

/** The target of dispatches that callers of the dispatcher API asked for. No configured target bears this name. */
export const requestTarget = 'api'

/** Requests of one instance that may wait at once. */
export const mostWaiting = 1_000

/** Milliseconds, where neither the caller nor a target says otherwise. */
const usual = { ttl: 60 * 60_000, bootTimeout: 5 * 60_000, idleTimeout: 5 * 60_000 }

/**
 * One runner that a caller of the dispatcher API asked for, as it was asked for. It waits until its start is sent; what the caller left
 * out (null) is decided by the turn that starts it.
 */
export interface RunnerRequest {
  /** Its dispatch gets this id, so that the runner's name is known before there is one. */
  id: string
  instance: string
  /** As written by the caller, schemes included. */
  labels: readonly string[]
  /** Milliseconds. */
  ttl: number | null
  machineType: string | null
  image: string | null
  /** May hold secrets: never shown, and forgotten with the request once its start was sent. */
  env: Readonly<Record<string, string>>
  scope: Scope
  /** Epoch milliseconds. */
  askedAt: number
}

/** What a runner is to be like. Durations are milliseconds. */
export type RunnerShape = Pick<
  Target,
  'labels' | 'offers' | 'ttl' | 'bootTimeout' | 'idleTimeout' | 'machineType' | 'image' | 'env'
>

/** It was asked for by a caller of the dispatcher API: no target's business, and no supply for jobs. */
export function isRequested({ target }: Pick<Dispatch, 'target'>): boolean {
  return target === requestTarget
}

/** The first target that offers all these labels; null when none does. */
export function offering(labels: readonly string[], targets: readonly Target[], rules: LabelRules): Target | null {
  const bare = offered(labels, { ...rules, implied: [] })
  return byPriority(targets).find(({ offers }) => fits(bare, offers, rules)) ?? null
}

/** What the runner of a request is like: as its caller says, else as the target that offers the same. */
export function shapeOf(request: RunnerRequest, like: Target | null, rules: LabelRules): RunnerShape {
  const { bootTimeout, idleTimeout } = like ?? usual
  return {
    labels: request.labels,
    offers: offered(request.labels, rules),
    ttl: request.ttl ?? like?.ttl ?? usual.ttl,
    bootTimeout,
    idleTimeout,
    machineType: request.machineType ?? like?.machineType ?? null,
    image: request.image ?? like?.image ?? null,
    env: { ...like?.env, ...request.env },
  }
}
