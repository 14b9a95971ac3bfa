import { html } from 'hono/html'
import type { InstanceConfig } from '../../config/config.ts'
import type { WorkerView } from '../views.ts'
import { type Html, type Shape, when } from './marks.ts'

export interface Health {
  shape: Shape
  word: string
  /** What it means; null where the word says all. */
  meaning: Html | null
}

/** How an instance is doing: in trouble before paused before well. */
export function healthOf(config: InstanceConfig, worker: WorkerView | undefined, paused: boolean, now: number): Health {
  const look = worker?.lastLook
  if (look && !look.complete) return { shape: 'trouble', word: 'look failed', meaning: unreachable(worker, now) }
  if (paused)
    return {
      shape: 'paused',
      word: 'paused',
      meaning: html`Intake and looks go on; nothing is dispatched until it is resumed.`,
    }
  if (!look)
    return {
      shape: 'waiting',
      word: 'first look',
      meaning: html`Muster has not heard from the forge yet; the first look is under way.`,
    }
  if (config.dryRun)
    return { shape: 'over', word: 'dry run', meaning: html`Muster decides and tells, and starts nothing.` }
  return { shape: 'good', word: 'healthy', meaning: null }
}

function unreachable(worker: WorkerView, now: number): Html {
  const { lastLook, lookFailingSince, nextLookAt } = worker
  const error = lastLook?.error ?? 'the forge did not answer the whole of it'
  return html`No whole look has come back since ${when(lookFailingSince ?? lastLook?.beganAt, now)}: ${error.slice(0, 300).toWellFormed()}. Webhooks are still recorded and their jobs get runners; no slot is freed without proof meanwhile. ${nextLookAt === null ? 'A look is under way.' : html`The next look is ${when(nextLookAt, now)}.`}`
}
