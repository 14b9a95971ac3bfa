import type { StoredEvent } from '../core/event.ts'
import { type Circumstances, explain, type Told } from '../core/explain.ts'
import type { LabelRules } from '../core/labels.ts'
import { type NextStep, nextStep } from '../core/next-step.ts'
import { type Waits, waitsOf } from '../core/waits.ts'
import type { ShownJob } from '../store/store.ts'
import { type ApiDeps, instanceNamed } from './api-deps.ts'

/** Events of one job that are told with it. */
const trailLength = 500

/** Why a job has, or has not, a runner, and how that came about. */
export interface JobStory {
  sentence: string
  next: NextStep
  /** Epoch milliseconds. */
  nextLookAt: number | null
  max: number | null
  circumstances: Circumstances
  waits: Waits
  /** Oldest first. */
  trail: readonly StoredEvent[]
}

/** Nothing is known of the labels of an instance that is configured no more. */
const plainRules: LabelRules = {
  foldCase: false,
  cutSchemes: false,
  implied: [],
  unlabelled: 'anywhere',
  hostedUnless: null,
}

/** Told from what is kept, so that every replica, and every start, says the same. */
export async function storyOf(
  deps: Pick<ApiDeps, 'config' | 'workers' | 'store' | 'clock'>,
  job: ShownJob,
): Promise<JobStory> {
  const { store, workers, clock } = deps
  const { instance, id, round, verdict } = job
  const configured = instanceNamed(deps, instance)
  const worker = workers.get(instance)
  const targets = configured?.targets ?? []
  const target = targets.find(({ name }) => name === job.target)
  const [events, circumstances] = await Promise.all([
    store.events({ instance, job: { id, round }, limit: trailLength }),
    store.circumstances(job, target ? [target.dispatcher, ...target.fallback] : []),
  ])
  const { dispatchers, dryRun } = deps.config()
  const told: Told = {
    now: clock.now(),
    job,
    verdict,
    trail: [...events.items].reverse(),
    circumstances,
    targets,
    rules: worker?.labels ?? plainRules,
    maxParallel: dispatchers.get(verdict?.dispatcher ?? '')?.maxParallel ?? null,
    dryRun: dryRun || configured?.dryRun === true,
  }
  const nextLookAt = worker?.nextLookAt ?? null
  return {
    sentence: explain(told),
    next: nextStep(told, nextLookAt),
    nextLookAt,
    max: target?.max ?? null,
    circumstances,
    waits: waitsOf(job, told.trail, told.now),
    trail: told.trail,
  }
}
