import type { Draft } from './draft.ts'
import type { RunnerList } from './look.ts'
import type { Runner, SeenRunner } from './runner.ts'

/** A runner that only a job told of is missed in a list no sooner than this after it was first seen. */
const listLag = 60_000

/** Folds a runner list in: who is idle, busy, offline; and, from a complete list, who is gone. */
export function foldRunnerList(draft: Draft, list: RunnerList, beganAt: number): void {
  const working = new Set(draft.jobs.filter((job) => job.state === 'running').map((job) => job.runnerName))
  const booting = new Set(draft.dispatches.filter(({ runner }) => runner === null).map(({ runnerName }) => runnerName))
  const listed = new Set<string>()
  for (const seen of list.runners) {
    // Names need not be unique on Forgejo: of two, the first listed one is believed.
    if (listed.has(seen.name)) continue
    listed.add(seen.name)
    const known = draft.runner(seen.name)
    // A registration that never connected is listed as offline: its dispatch is still booting. Strangers that are off are no supply.
    if (seen.state === 'offline' && (!known || booting.has(seen.name))) continue
    // GitHub's busy flag reads false for up to a minute after a start: a running job that names the runner is believed before it.
    const isBusy = working.has(seen.name) || (known?.state === 'busy' && startedUnseen(draft, beganAt))
    const state = isBusy ? 'busy' : seen.state
    draft.setRunner(updated(draft, known, { ...seen, state }, beganAt, list.complete))
  }
  if (!list.complete) return
  for (const runner of draft.runners) {
    if (listed.has(runner.name) || working.has(runner.name)) continue
    const missed = runner.listedAt === null ? beganAt >= runner.firstSeenAt + listLag : beganAt > runner.listedAt
    if (missed) draft.endRunner(runner)
  }
}

/** A job began somewhere after this list was made: what it still shows as idle may be what was spent on that start. */
function startedUnseen(draft: Draft, beganAt: number): boolean {
  return draft.jobs.some(
    ({ state, startSpent, seenRunningAt, runnerName }) =>
      state === 'running' && startSpent && (seenRunningAt ?? 0) > beganAt && draft.runner(runnerName) === null,
  )
}

/** How many complete looks in a row saw it idle, this one included: the same look twice is one. */
function idleLooks(known: Runner | null, beganAt: number, complete: boolean): number {
  const before = known?.state === 'idle' ? known.idleLooks : 0
  return complete && known?.listedAt !== beganAt ? before + 1 : before
}

function updated(draft: Draft, known: Runner | null, seen: SeenRunner, beganAt: number, complete: boolean): Runner {
  const idle = seen.state === 'idle'
  const wasIdle = known?.state === 'idle'
  return {
    instance: draft.instance,
    name: seen.name,
    id: seen.id,
    labels: seen.labels,
    state: seen.state,
    dispatch: known?.dispatch ?? null,
    firstSeenAt: known?.firstSeenAt ?? beganAt,
    listedAt: beganAt,
    idleSince: idle ? (wasIdle ? (known.idleSince ?? beganAt) : beganAt) : null,
    idleLooks: idle ? idleLooks(known, beganAt, complete) : 0,
    worked: (known?.worked ?? false) || seen.state === 'busy',
    goneAt: null,
    version: known?.version ?? 0,
  }
}
