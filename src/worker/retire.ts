import type { IdleStop } from '../core/idle.ts'
import type { Leftover } from '../core/leftover.ts'
import { ForgeRefused } from '../forges/errors.ts'
import type { TurnDeps } from './deps.ts'

/** How long deregistering and stopping one runner may take in all. */
const deadline = 30_000

/** Ends an idle runner of ours behind the turn: deregistered first, so that it cannot take a job any more; a busy one is let be. */
export function retire(deps: TurnDeps, { dispatch, runner, why }: IdleStop): void {
  if (deps.retiring.has(dispatch.id)) return
  deps.retiring.add(dispatch.id)
  void retireNow(deps, dispatch.id, dispatch.dispatcher, runner, why).finally(() => deps.retiring.delete(dispatch.id))
}

async function retireNow(
  { forge, lanes, store, clock, log }: TurnDeps,
  id: string,
  dispatcher: string,
  runner: IdleStop['runner'],
  why: string,
): Promise<void> {
  const signal = AbortSignal.timeout(deadline)
  try {
    const answer = await forge.unregister(runner, signal)
    if (answer === 'busy') {
      log.info({ runner: runner.name }, 'the runner took a job after all; it stays')
      return
    }
    await lanes.get(dispatcher)?.stop(id, signal)
    await store.settle(id, { kind: 'gone', at: clock.now(), why: 'stopped' })
    log.info({ runner: runner.name, dispatch: id, why }, 'an idle runner was ended')
  } catch (error) {
    log.warn({ err: error, runner: runner.name, why }, 'an idle runner could not be ended; it is tried again')
  }
}

/** Removes registrations that nobody will use any more, one after the other behind the turn; what fails is found again by the next look. */
export function clearAway(deps: TurnDeps, left: readonly Leftover[]): void {
  const fresh = left.filter(({ name }) => !deps.retiring.has(name))
  for (const { name } of fresh) deps.retiring.add(name)
  void clearNow(deps, fresh).finally(() => fresh.forEach(({ name }) => void deps.retiring.delete(name)))
}

async function clearNow({ forge, log }: TurnDeps, left: readonly Leftover[]): Promise<void> {
  for (const runner of left) {
    try {
      const answer = await forge.unregister(runner, AbortSignal.timeout(deadline))
      if (answer === 'removed') log.info({ runner: runner.name }, 'a registration that nobody uses was removed')
    } catch (error) {
      log.warn({ err: error, runner: runner.name }, 'a registration could not be removed; it is tried again')
      // What one refuses says nothing of the others; a forge that does not answer does.
      if (!(error instanceof ForgeRefused)) return
    }
  }
}
