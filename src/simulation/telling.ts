import type { Clock } from '../clock.ts'
import type { ForgeKind } from '../forges/forge.ts'
import type { SimulatedForge } from './forge.ts'
import type { Happening, JobStatus, SimulatedJob } from './state.ts'
import type { Scene, Story } from './story.ts'

/** One line of what happens in the world. */
export interface Line {
  /** Milliseconds since the story began. */
  at: number
  forge: ForgeKind
  text: string
}

export interface Progress {
  /** Milliseconds since the story began. */
  elapsed: number
  /** Scenes played, and how many there are. */
  scenes: { played: number; all: number }
  jobs: Record<JobStatus, number>
  forges: Record<string, { jobs: Record<JobStatus, number>; runners: number }>
  wait: StoryResult['wait_ms']
}

/** What the world knows to have happened; the object that `muster demo --json` prints. */
export interface StoryResult {
  jobs: number
  /** A runner took them and worked to the end. */
  served: number
  /** They ended without having been worked to the end: cancelled or skipped. */
  cancelled: number
  /** From queued to taken by a runner, of the served. */
  wait_ms: { median: number; worst: number }
  /** Runners that reached a forge, and registrations that are still there. */
  runners: { started: number; left: number }
  /** Webhooks that came twice, and jobs that were served although their webhook was lost. */
  webhooks: { duplicates: number; lost_found: number }
}

export interface Telling {
  readonly story: Story
  /** Plays the scenes; resolves when every job has ended and no runner is left, or patience ends after the last job. Rejects when a scene does not fit the world. */
  play(signal?: AbortSignal): Promise<StoryResult>
  progress(): Progress
  /** As things are now. */
  result(): StoryResult
  onLine(listener: (line: Line) => void): void
}

/** How long after the last job's end runners may still be there, milliseconds. */
const patience = 60_000
const glance = 100

/** Plays a story on simulated forges, and keeps account of the truth. */
export function createTelling(story: Story, forges: ReadonlyMap<ForgeKind, SimulatedForge>, clock: Clock): Telling {
  const listeners: ((line: Line) => void)[] = []
  const started = new Set<string>()
  let begin = clock.now()
  let played = 0
  const say = (forge: ForgeKind, text: string) => {
    for (const listener of listeners) listener({ at: clock.now() - begin, forge, text })
  }
  for (const [kind, forge] of forges) {
    forge.watch((happening) => {
      if (happening.kind === 'runner' && happening.change === 'connected') started.add(`${kind}/${happening.runner.id}`)
      const text = describe(happening)
      if (text) say(kind, text)
    })
  }
  const all = [...forges.values()]
  const jobs = () => all.flatMap((forge) => [...forge.ground.jobs.values()].filter(({ latest }) => latest))
  const runnersLeft = (of: readonly SimulatedForge[]) =>
    of.flatMap((forge) => [...forge.ground.runners.values()]).filter(({ goneAt }) => goneAt === null).length

  function result(): StoryResult {
    const ended = jobs().filter(({ status }) => status === 'done')
    const served = ended.filter(isServed)
    const deliveries = all.flatMap((forge) => forge.outbox.made.map((delivery) => ({ forge, delivery })))
    const lost = deliveries.filter(({ delivery }) => delivery.fault === 'lose' && delivery.action === 'queued')
    const found = lost.filter(({ forge, delivery }) => {
      const job = forge.ground.jobs.get(delivery.jobId ?? 0)
      return job !== undefined && isServed(job)
    })
    return {
      jobs: jobs().length,
      served: served.length,
      cancelled: ended.length - served.length,
      wait_ms: waits(served),
      runners: { started: started.size, left: runnersLeft(all) },
      webhooks: {
        duplicates: deliveries.filter(({ delivery }) => delivery.fault === 'duplicate').length,
        lost_found: found.length,
      },
    }
  }

  return {
    story,
    result,
    onLine: (listener) => void listeners.push(listener),
    progress: () => ({
      elapsed: clock.now() - begin,
      scenes: { played, all: story.scenes.length },
      jobs: byStatus(jobs()),
      forges: Object.fromEntries(
        [...forges].map(([kind, forge]) => [
          kind,
          { jobs: byStatus([...forge.ground.jobs.values()]), runners: runnersLeft([forge]) },
        ]),
      ),
      wait: waits(jobs().filter(isServed)),
    }),
    async play(signal) {
      begin = clock.now()
      for (const scene of story.scenes.toSorted((a, b) => a.at - b.at)) {
        await clock.sleep(begin + scene.at * 1_000 - clock.now(), signal)
        if (signal?.aborted) return result()
        say(scene.forge, scene.tell)
        perform(scene, forges)
        played++
      }
      while (!signal?.aborted && jobs().some(({ status }) => status !== 'done')) await clock.sleep(glance, signal)
      const quietAt = clock.now()
      while (!signal?.aborted && runnersLeft(all) > 0 && clock.now() - quietAt < patience) {
        await clock.sleep(glance, signal)
      }
      return result()
    },
  }
}

function perform(scene: Scene, forges: ReadonlyMap<ForgeKind, SimulatedForge>): void {
  const forge = forges.get(scene.forge)
  const [home] = forge?.ground.repositories.values() ?? []
  if (!forge || !home) throw new Error(`the story speaks of ${scene.forge}, which this world has not`)
  const jobNamed = (name: string) => [...forge.ground.jobs.values()].findLast((job) => job.name === name)
  if ('push' in scene) {
    forge.jobs.push({ repository: `${home.owner}/${home.name}`, jobs: scene.push })
  } else if ('cancel' in scene) {
    const job = jobNamed(scene.cancel)
    if (!job) throw new Error(`the story cancels ${scene.cancel}, which ${scene.forge} has not`)
    forge.jobs.cancel(job.id)
  } else {
    forge.outbox.order({
      kind: scene.fault,
      matches: ({ jobId, action }) =>
        action === 'queued' && jobId !== null && forge.ground.jobs.get(jobId)?.name === scene.job,
    })
  }
}

function isServed({ conclusion }: SimulatedJob): boolean {
  return conclusion === 'success' || conclusion === 'failure'
}

function waits(jobs: readonly SimulatedJob[]): StoryResult['wait_ms'] {
  const sorted = jobs.map(({ queuedAt, startedAt }) => (startedAt ?? 0) - (queuedAt ?? 0)).sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const median = sorted.length % 2 === 1 ? sorted[middle] : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
  return { median: Math.round(median ?? 0), worst: Math.round(sorted.at(-1) ?? 0) }
}

function byStatus(jobs: readonly SimulatedJob[]): Record<JobStatus, number> {
  const counts = { blocked: 0, waiting: 0, queued: 0, running: 0, done: 0 }
  for (const { status } of jobs) counts[status]++
  return counts
}

/** A line for people; null for what is not worth one. */
function describe(happening: Happening): string | null {
  switch (happening.kind) {
    case 'job': {
      const { name, status, conclusion, runner } = happening.job
      if (status === 'running') return `${name} runs on ${runner?.name}`
      return status === 'done' ? `${name} ended: ${conclusion}` : `${name} is ${status}`
    }
    case 'runner':
      return `runner ${happening.runner.name} ${happening.change === 'gone' ? 'is gone' : happening.change}`
    case 'hook_made':
      return 'a webhook was set up'
    case 'pushed':
    case 'run_done':
      return null
  }
}
