import { deliveryRecord } from '../../../src/delivery-record.ts'
import { tapedChoices } from '../../../src/simulation/choices.ts'
import { openSqliteStore } from '../../../src/store/sqlite.ts'
import { at } from '../../support/builders.ts'
import { Agenda, settled } from './agenda.ts'
import { createDepot } from './depot.ts'
import { createForgeDesk, labelRules } from './facade.ts'
import { Oracle } from './oracle.ts'
import { type Process, startProcess } from './service.ts'
import { drawSetting } from './setting.ts'
import { type Change, Town } from './town.ts'

const second = 1_000
const minute = 60 * second

export interface Played {
  /** What must never be, as it was first seen. */
  violations: readonly string[]
  /** What happened, for people. */
  story: readonly string[]
  /** How often a runner was asked for, repeats of the same not counted. */
  requests: number
}

/** How long after the last fault everything must be in order again: the longest back-offs and ttls, one after the other. */
const longestRecovery = 4 * 60 * minute
/** How long the service is then watched at rest. */
const rest = 10 * minute

/** Plays one tape against the real worker and the real state, and says what went wrong. */
export async function play(tape: readonly number[]): Promise<Played> {
  const draw = tapedChoices(tape)
  const agenda = new Agenda(at('12:00:00'))
  const began = agenda.now
  const story: string[] = []
  const tell = (what: string) => story.push(`${((agenda.now - began) / second).toFixed(1).padStart(8)} ${what}`)
  const setting = drawSetting(draw)
  const town = new Town(agenda, draw)
  const oracle = new Oracle(town, agenda, setting, tell)
  const desk = createForgeDesk(town, agenda, setting, draw, oracle.violation)
  const depot = createDepot(town, agenda, setting, draw, oracle.violation)
  const store = await openSqliteStore({ path: ':memory:' })
  let made = 0
  const ids = () => `id${String(++made).padStart(4, '0')}`
  const around = { agenda, store, desk, depot, setting, ids, violation: oracle.violation }
  let service: Process | null = await startProcess(around)
  oracle.watchRequests(depot.requests)
  tell(
    JSON.stringify({ ...setting, targets: setting.targets.map(({ name, max, minIdle }) => ({ name, max, minIdle })) }),
  )

  let faulty = true
  let sent = 0
  const deliver = (change: Change, id: string) => {
    // A forge does not deliver again to a service that was down.
    if (service === null) {
      oracle.blind = true
      return
    }
    const reading =
      setting.tells === 'jobs'
        ? {
            kind: 'jobs' as const,
            id,
            event: 'workflow_job',
            secret: 0,
            jobs: [desk.told(change.job, change.state, change.runner)],
          }
        : { kind: 'nudge' as const, id, event: 'push', secret: 0 }
    const receiver = { name: 'main', targets: setting.targets, labels: labelRules }
    if (change.state === 'done' && setting.tells === 'jobs') oracle.toldDone(change.job)
    void store.recordDelivery(deliveryRecord(reading, receiver, { at: agenda.now, via: 'http', signedBy: null }))
  }
  town.onChange = (change) => {
    tell(
      `job ${change.job.id} #${change.job.attempt} ${change.state} ${change.job.labels} ${change.runner ?? ''} ${change.job.conclusion ?? ''}`,
    )
    oracle.changed(change)
    const id = `delivery-${++sent}`
    const fate = faulty && setting.faults.deliveries ? draw(10) : 0
    if (fate === 1 || fate === 2) {
      oracle.blind = true
      return tell('  its delivery is lost')
    }
    const delay = fate === 3 ? 5 * second : fate === 4 ? 40 * second : fate === 5 ? 3 * minute : 50
    if (delay > 50) oracle.blind = true
    agenda.in(delay, () => deliver(change, id))
    if (fate === 6) agenda.in(second, () => deliver(change, id))
    if (fate === 7) agenda.in(4 * minute, () => deliver(change, `replayed-${id}`))
  }

  async function act(): Promise<void> {
    const open = [...town.jobs.values()].filter(({ state }) => state !== 'done')
    const done = [...town.jobs.values()].filter(({ state }) => state === 'done')
    switch (draw(14)) {
      case 1:
      case 2:
        return void town.push(['linux'])
      case 3:
        return void town.push(setting.targets.some(({ name }) => name === 'gpu') ? ['gpu'] : ['mac'])
      case 4:
        return void town.push(['nobody-offers-this'])
      case 5:
        for (let count = 1 + draw(6); count > 0; count--) town.push(['linux'])
        return
      case 6: {
        const job = open[draw(open.length || 1)]
        // A nudge tells nothing of it.
        if (setting.tells === 'nudges') oracle.blind = true
        if (job) town.cancel(job)
        return
      }
      case 7: {
        const job = done[draw(done.length || 1)]
        if (job && setting.reruns) town.rerun(job)
        oracle.mixed ||= setting.faults.deliveries
        return
      }
      case 8: {
        if (!setting.faults.strangers) return
        tell('a stranger comes')
        oracle.strangers = true
        if (!setting.traits.names) oracle.blind = true
        const about = { dispatch: null, target: null, handle: null, ephemeral: draw(2) === 1, extra: false }
        town.start({ ...about, name: `stranger-${draw(3)}-${town.runners.length}`, labels: ['linux'] }, second)
        return
      }
      case 9: {
        if (!setting.faults.deaths) return
        const runner = town.live[draw(town.live.length || 1)]
        if (!runner) return
        tell(`runner ${runner.name} dies`)
        town.die(runner)
        return
      }
      case 10: {
        if (!setting.faults.deaths) return
        tell('kill -9')
        service?.kill()
        service = null
        depot.callerGone()
        await agenda.pass([second, 10 * second, 5 * minute][draw(3)]!, oracle.watch)
        tell('start')
        service = await startProcess(around)
        return
      }
      case 11:
        service?.worker.lookNow()
        return
    }
  }

  const gaps = [20 * second, second, 5 * second, 45 * second, 2 * minute, 6 * minute]
  const actions = tape.length === 0 ? 0 : 4 + draw(16)
  for (let action = 0; action < actions && oracle.violations.length === 0; action++) {
    await act()
    await settled()
    await agenda.pass(gaps[draw(gaps.length)]!, oracle.watch)
  }

  tell('the faults stop')
  faulty = false
  desk.faulty = false
  depot.faulty = false
  for (const runner of town.live) if (runner.dispatch === null) town.die(runner)
  const deadline = agenda.now + longestRecovery
  while (agenda.now < deadline && !oracle.isInOrder() && oracle.violations.length === 0) {
    await agenda.pass(minute, oracle.watch)
  }
  if (oracle.violations.length === 0) {
    if (!oracle.isInOrder()) oracle.violation(`hours later it is still not in order: ${oracle.disorder()}`)
    else {
      const before = { turns: service?.turns ?? 0, sent, ...desk.calls }
      await agenda.pass(rest, oracle.watch)
      const turns = (service?.turns ?? 0) - before.turns
      oracle.atRest({ turns, looks: desk.calls.jobs - before.jobs, told: sent - before.sent })
    }
  }
  await oracle.lossesCountedOnce(store)
  service?.kill()
  await store.close()
  return { violations: oracle.violations, story, requests: depot.requests.length }
}
