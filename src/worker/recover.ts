import { deliveryRecord, type Receiver, type Understood } from '../delivery-record.ts'
import type { Reading } from '../forges/forge.ts'
import type { TurnDeps } from './deps.ts'

export type RecoveryDeps = Pick<TurnDeps, 'forge' | 'store' | 'instance' | 'targets' | 'hookUrl' | 'clock' | 'log'>

export interface Recovery {
  /** Deliveries that nobody had received. */
  found: number
  /** More may have been lost than could be read back. */
  gap: boolean
}

/** Reads back what the forge failed to deliver and records it like any other delivery. Null where nothing can be read back. */
export async function recover(deps: RecoveryDeps, signal: AbortSignal): Promise<Recovery | null> {
  const { forge, store, instance, hookUrl, clock, log } = deps
  const hook = hookUrl === null ? null : await store.hook(instance, hookUrl)
  if (!forge.recover || hook === null) return null
  const since = await store.watermark(instance, hook.id)
  const received = (ids: readonly string[]) => store.received(instance, ids)
  const { readings, watermark, gap } = await forge.recover({ hook: hook.id, since, received }, signal)
  const receiver: Receiver = { name: instance, targets: deps.targets, labels: forge.labels }
  const arrival = { at: clock.now(), via: 'recovered' as const, signedBy: null }
  const understood = readings.filter(isUnderstood)
  // All at once: a turn that saw how a job began and not yet how it ended would start a runner for it.
  const outcomes = await Promise.all(
    understood.map((reading) => store.recordDelivery(deliveryRecord(reading, receiver, arrival))),
  )
  const found = outcomes.filter((outcome) => outcome === 'recorded').length
  // Only when all is recorded: what a crash leaves out is read once more.
  if (watermark !== null) await store.saveWatermark(instance, hook.id, watermark)
  if (found > 0) log.warn({ deliveries: found }, 'lost deliveries were read back from the forge')
  return { found, gap }
}

function isUnderstood(reading: Reading): reading is Understood {
  return reading.kind !== 'unauthorized' && reading.kind !== 'invalid'
}
