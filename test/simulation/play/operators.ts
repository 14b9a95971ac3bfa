import type { Target } from '../../../src/core/target.ts'
import type { Run } from '../../../src/simulation/state.ts'
import type { Agenda } from './agenda.ts'
import type { Oracle } from './oracle.ts'
import type { Reached } from './reached.ts'
import type { Service } from './service.ts'
import type { Setting } from './setting.ts'
import type { Tape } from './tape.ts'
import { repository, type Town } from './town.ts'

export interface OperatorsWorld {
  town: Town
  agenda: Agenda
  setting: Setting
  tape: Tape
  oracle: Oracle
  reached: Reached
  service: Service
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** What people do: they push, cancel, re-run and approve; and those who run the service restart, reload, pause it, and set clocks. */
export class Operators {
  readonly #world: OperatorsWorld

  constructor(world: OperatorsWorld) {
    this.#world = world
  }

  act(): void {
    const { draw } = this.#world.tape
    const acts = [
      this.#push,
      this.#push,
      this.#burst,
      this.#otherwise,
      this.#chain,
      this.#cancel,
      this.#regret,
      this.#rerun,
      this.#stranger,
      this.#death,
      this.#restart,
      this.#edit,
      this.#rest,
      this.#clock,
      this.#stop,
    ]
    acts[draw(acts.length)]!.call(this)
  }

  push(labels: readonly string[], needs: readonly string[] = [], name = 'build', approval = false) {
    const implied = this.#world.setting.dialect.labels.implied
    return { name, labels: [...implied, ...labels], needs, approval }
  }

  #push(): void {
    this.#start([this.push(['linux'])])
  }

  #burst(): void {
    const count = 1 + this.#world.tape.draw(8)
    this.#start(Array.from({ length: count }, (_, index) => this.push(['linux'], [], `build-${index}`)))
    this.#world.reached.note('operators: a burst of jobs')
  }

  #otherwise(): void {
    const { draw } = this.#world.tape
    const { targets } = this.#world.oracle
    const { labels } = targets[draw(targets.length)]!
    this.#start([this.push(draw(4) === 1 ? ['nobody-offers-this'] : labels)])
  }

  /** One that waits for another, or for an approval, and perhaps for an earlier run of its group. */
  #chain(): void {
    const { draw } = this.#world.tape
    const approval = draw(3) === 1
    const group = draw(2) === 1 ? 'deploy' : undefined
    this.#start([this.push(['linux'], [], 'first'), this.push(['linux'], ['first'], 'second', approval)], group)
    this.#world.reached.note(approval ? 'operators: a job waits for an approval' : 'operators: a job waits for another')
  }

  #start(jobs: ReturnType<Operators['push']>[], group?: string): Run {
    const { town } = this.#world
    town.tell?.(
      `push of ${jobs.map(({ name, labels }) => `${name} ${labels}`).join(', ')}${group ? ` in ${group}` : ''}`,
    )
    return town.forge.jobs.push({ repository, jobs, ...(group !== undefined && { group }) })
  }

  #cancel(): void {
    const { town, tape, reached } = this.#world
    const open = town.jobs.filter(({ status, latest }) => status !== 'done' && latest)
    const job = this.#one(open)
    if (!job) return
    if (job.status === 'waiting' && tape.draw(2) === 0) {
      town.tell?.(`job ${job.id} is approved`)
      town.forge.jobs.approve(job.id)
      return
    }
    reached.note(`operators: a ${job.status} job is cancelled`)
    town.tell?.(`job ${job.id} (${job.status}) is cancelled`)
    town.forge.jobs.cancel(job.id)
  }

  /** A push that is taken back before anybody could work on all of it. */
  #regret(): void {
    const { town, agenda, tape, reached } = this.#world
    const run = this.#start([this.push(['linux'], [], 'one'), this.push(['linux'], [], 'two')])
    agenda.in([second, 5 * second, 20 * second][tape.draw(3)]!, () => {
      const job = town.forge.jobs.ofRun(run.id).find(({ status }) => status === 'queued')
      if (!job) return
      town.tell?.(`job ${job.id} (queued) is cancelled`)
      reached.note('operators: a queued job is cancelled')
      town.forge.jobs.cancel(job.id)
      agenda.in([10 * second, 45 * second][tape.draw(2)]!, () => this.#push())
    })
  }

  #rerun(): void {
    const { town, setting, reached, oracle } = this.#world
    const job = this.#one(town.jobs.filter(({ status, latest }) => status === 'done' && latest))
    if (!job || town.forge.jobs.ofRun(job.runId).some(({ status }) => status !== 'done')) return
    reached.note('operators: a run is run again')
    town.tell?.(`run ${job.runId} with job ${job.id} is run again`)
    const { deliveries, late } = setting.faults
    if (
      town.forge.ground.traits.rerun === 'same_id' &&
      (late > 0 || Object.values(deliveries).some((rate) => rate > 0))
    )
      oracle.mixed = true
    town.forge.jobs.rerun(job.runId)
  }

  #stranger(): void {
    const { town, setting, tape, reached, oracle } = this.#world
    if (!setting.faults.strangers) return
    oracle.strangers = true
    reached.note('runner: a stranger comes')
    const name = [
      `stranger-${town.runners.length}`,
      `muster-${town.runners.length}`,
      `musterer-${town.runners.length}`,
    ][tape.draw(3)]!
    town.tell?.(`the stranger ${name} comes`)
    town.start(
      {
        name,
        labels: ['linux'],
        dispatch: null,
        target: null,
        handle: null,
        oneJob: tape.draw(2) === 1,
        extra: false,
        registration: null,
      },
      second,
    )
  }

  #death(): void {
    const { town, setting, tape, reached } = this.#world
    if (!setting.faults.runners) return
    const runner = this.#one(town.live)
    if (!runner) return
    const dies = tape.draw(2) === 0
    reached.note(`runner: a ${runner.state} one ${dies ? 'dies' : 'hangs'}`)
    town.tell?.(`runner ${runner.name} (${runner.state}) ${dies ? 'dies' : 'hangs'}`)
    if (dies) town.die(runner)
    else town.hang(runner)
  }

  #restart(): void {
    const { setting, tape, service } = this.#world
    if (setting.faults.crash === 0) service.lookNow()
    else if (tape.draw(2) === 0) service.kill()
    else service.endGracefully()
  }

  /** The configuration is edited: other limits, other labels. */
  #edit(): void {
    const { setting, tape, oracle, service, reached } = this.#world
    const { draw } = tape
    if (!setting.faults.operators) {
      service.lookNow()
      return
    }
    const index = draw(oracle.targets.length)
    const target = oracle.targets[index]!
    const max = Math.max(1, target.max + [1, -1, 3, -2][draw(4)]!)
    const changed: Target = { ...target, max, minIdle: Math.min(max, draw(3)) }
    reached.note(`operators: max is ${max < target.max ? 'lowered' : 'raised'}`)
    service.reload(oracle.targets.map((one, at) => (at === index ? changed : one)))
  }

  #rest(): void {
    const { setting, service } = this.#world
    if (setting.faults.operators) service.pause()
  }

  #clock(): void {
    const { setting, tape, service } = this.#world
    if (setting.faults.clock) service.moveClock([hour, -hour, 24 * hour, -24 * hour][tape.draw(4)]!)
  }

  #stop(): void {
    const { setting, tape, service } = this.#world
    if (setting.faults.stop > 0) service.stand([10, 90][tape.draw(2)]! * second)
  }

  #one<T>(all: readonly T[]): T | undefined {
    return all[this.#world.tape.draw(Math.min(all.length, 256) || 1)]
  }
}
