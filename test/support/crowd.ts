import type { Job } from '../../src/core/job.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { anInstance, aWorker } from '../server/admin-world.ts'
import { aDispatch, aJob, aRunner, aTarget, at } from './builders.ts'
import { save } from './store.ts'

/** As much as the dashboard has to bear: 200 instances with three targets each, and 10,000 open jobs on them. */
export async function aCrowd({ instances = 200, jobs = 10_000 } = {}) {
  const store = await openSqliteStore({ path: ':memory:' })
  const targets = ['linux-medium', 'macos-large', 'windows-large']
  const names = Array.from({ length: instances }, (_, number) => `instance-${String(number).padStart(3, '0')}`)
  for (const instance of names) {
    const each = Array.from({ length: jobs / instances }, (_, number) =>
      aCrowdedJob(instance, targets[number % 3] ?? '', number),
    )
    const tied = targets.flatMap((target) =>
      [1, 2, 3].map((number) => ({ instance, target, runner: `muster-${instance}-${target}-${number}` })),
    )
    await save(
      store,
      {
        jobs: each,
        dispatches: tied.map((one) => aDispatch({ ...one, tiedBy: 'name', tiedAt: at('12:00:00') })),
        runners: tied.map(({ runner, instance: of }) => aRunner({ instance: of, name: runner, state: 'busy' })),
      },
      instance,
    )
    await store.append(
      each.slice(0, 20).map((job) => ({
        type: 'job_queued' as const,
        at: at('12:00:00'),
        instance,
        job: { id: job.id, round: 1 },
        target: job.target,
        dispatch: null,
        runner: null,
        detail: {},
      })),
    )
  }
  const full = { kind: 'full', target: 'linux-medium', reason: 'max', by: null, dispatcher: null, until: null } as const
  const { worker } = aWorker({ lastLook: { beganAt: at('12:00:00'), complete: true, error: null } })
  return {
    store,
    instances: names.map((name) => anInstance({ name, targets: targets.map((target) => aTarget({ name: target })) })),
    workers: new Map(names.map((name) => [name, { ...worker, verdict: () => full }])),
  }
}

function aCrowdedJob(instance: string, target: string, number: number): Job {
  return aJob({
    instance,
    target,
    id: `${number}`,
    name: `build and test (${target}, shard ${number})`,
    labels: ['self-hosted', target],
    state: number % 5 === 0 ? 'running' : 'queued',
  })
}

/** Counts what is asked of a store, and how many rows it answers. */
export function counted(store: Store) {
  const asked: { call: string; rows: number }[] = []
  const rowsOf = (answer: unknown): number => {
    if (Array.isArray(answer)) return answer.length
    if (answer instanceof Map || answer instanceof Set) return answer.size
    if (answer === null || typeof answer !== 'object') return 1
    return Object.values(answer).reduce((sum: number, part) => sum + (typeof part === 'object' ? rowsOf(part) : 0), 0)
  }
  const counting = new Proxy(store, {
    get(of, name, self) {
      const method = Reflect.get(of, name, self)
      if (typeof method !== 'function' || name === 'onBell') return method
      return async (...given: unknown[]) => {
        const answer = await method.apply(of, given)
        const items = typeof answer === 'object' && answer !== null && 'items' in answer ? answer.items : answer
        asked.push({ call: String(name), rows: rowsOf(items) })
        return answer
      }
    },
  })
  return { store: counting, asked }
}
