import type { Clock } from './clock.ts'
import type { InstanceConfig } from './config/config.ts'
import type { Log } from './log.ts'
import type { Overview, Sample, Store } from './store/store.ts'

/** How often it is counted how everything is. Milliseconds. */
export const sampling = 30_000

interface HistoryDeps {
  store: Pick<Store, 'overview' | 'sample'>
  instances: () => readonly InstanceConfig[]
  clock: Clock
  log: Log
}

/** Counts queue and runners again and again, for the plot of the last hours, until the signal. Replicas count the same moments, and the first one is kept. */
export async function keepHistory(
  { store, instances, clock, log }: HistoryDeps,
  every: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const now = clock.now()
    try {
      await store.sample(samplesOf(await store.overview(now), instances(), now - (now % every)))
    } catch (error) {
      log.error({ err: error }, 'a moment is missing in the history')
    }
    await clock.sleep(every - (clock.now() % every), signal)
  }
}

/** What is worth keeping of one moment: each target where there is something, and all together. */
export function samplesOf(overview: Overview, instances: readonly InstanceConfig[], at: number): Sample[] {
  const samples = new Map<string, Sample>()
  const all: Sample = { ...nothing(at), max: 0, instance: '', target: '' }
  for (const { name, targets } of instances) {
    for (const { name: target, max } of targets) {
      samples.set(JSON.stringify([name, target]), { ...nothing(at), max, instance: name, target })
      all.max += max
    }
  }
  const of = (instance: string, target: string | null) => {
    const sample = samples.get(JSON.stringify([instance, target]))
    return sample ? [sample, all] : [all]
  }
  for (const { instance, target, state, jobs } of overview.jobs)
    if (state === 'queued') for (const sample of of(instance, target)) sample.queued += jobs
  for (const { instance, target, state, runners } of overview.runners)
    if (state !== 'unseen') for (const sample of of(instance, target)) sample[state] += runners
  return [all, ...[...samples.values()].filter(({ queued, booting, idle, busy }) => queued + booting + idle + busy > 0)]
}

function nothing(at: number) {
  return { at, queued: 0, booting: 0, idle: 0, busy: 0 }
}
