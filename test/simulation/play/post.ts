import type { ToldJob } from '../../../src/core/job.ts'
import type { Reading } from '../../../src/forges/forge.ts'
import type { Delivery } from '../../../src/simulation/outbox.ts'
import type { Happening, SimulatedJob } from '../../../src/simulation/state.ts'
import type { Agenda } from './agenda.ts'
import { toldOf } from './desk.ts'
import type { Reached } from './reached.ts'
import type { Setting } from './setting.ts'
import type { Tape } from './tape.ts'
import type { Told } from './told.ts'
import type { Town } from './town.ts'

export interface PostWorld {
  town: Town
  agenda: Agenda
  setting: Setting
  tape: Tape
  told: Told
  reached: Reached
}

type Letter = { job: ToldJob | null; at: number }

const second = 1_000
const minute = 60 * second

/** The way of the webhooks: the outbox of `src/simulation` loses, doubles, delays and reorders; some come minutes late, or again under a new id. */
export class Post {
  faulty = true
  sent = 0
  /** Takes one delivery; answers whether it was answered with a 2xx. */
  receiver: (reading: Reading, at: number) => Promise<boolean> = async () => false
  readonly #world: PostWorld
  readonly #failed = new Map<string, ToldJob>()
  #made = 0

  constructor(world: PostWorld) {
    this.#world = world
    const { forge } = world.town
    forge.watch((happening) => this.#announce(happening))
    forge.outbox.onPut(() => this.#collectAt(forge.outbox.nextAt()))
  }

  /** What never got its 2xx, the oldest first. */
  failed(): { id: string; told: ToldJob }[] {
    const lost = this.#world.town.forge.outbox.made.filter(({ fault }) => fault === 'lose')
    const never = lost.map(({ id, payload }): [string, ToldJob | null] => [id, (payload as Letter).job])
    return [...new Map([...never, ...this.#failed])].flatMap(([id, told]) => (told ? [{ id, told }] : []))
  }

  #announce(happening: Happening): void {
    const { dialect } = this.#world.setting
    if (dialect.tells === 'jobs' && happening.kind === 'job' && isTold(happening.job)) this.#put(happening.job)
    // What a Forgejo tells at all: pushes, and runs that are over.
    if (dialect.version.kind === 'forgejo' && (happening.kind === 'pushed' || happening.kind === 'run_done'))
      this.#put(null)
  }

  #put(job: SimulatedJob | null): void {
    const { town, agenda, setting, told } = this.#world
    const letter: Letter = { job: job && toldOf(job, setting), at: agenda.now }
    const id = `delivery-${++this.#made}`
    const event = job ? 'workflow_job' : 'push'
    town.forge.outbox.put({
      id,
      hookId: 1,
      event,
      action: null,
      jobId: job?.id ?? null,
      payload: letter,
      madeAt: agenda.now,
    })
    const { fault } = town.forge.outbox.made.at(-1)!
    if (fault === null) return
    if (fault === 'lose') told.lost(letter.job)
    this.#world.reached.note(`deliveries: ${fault}`)
    town.tell?.(`  its delivery ${id} meets with: ${fault}`)
  }

  #collectAt(dueAt: number | null): void {
    const { town, agenda } = this.#world
    if (dueAt === null) return
    agenda.in(dueAt - agenda.now, () => {
      for (const delivery of town.forge.outbox.take(agenda.now)) this.#carry(delivery)
      this.#collectAt(town.forge.outbox.nextAt())
    })
  }

  #carry(delivery: Delivery): void {
    const { agenda, setting, tape, reached } = this.#world
    const { late } = setting.faults
    const fate = this.faulty && late > 0 ? tape.draw(16) : 0
    const wait = fate >= 16 - late ? [5 * second, 40 * second, 3 * minute][tape.draw(3)]! : [50, 1, 300][tape.draw(3)]!
    if (wait >= 5 * second) reached.note('deliveries: minutes late')
    agenda.in(wait, () => void this.#deliver(delivery.id, delivery))
    if (this.faulty && late > 0 && tape.draw(16) >= 16 - late) {
      // Somebody delivers it again by hand, which keeps its id, or plays a recorded one.
      const isRecorded = tape.draw(2) === 1
      const id = isRecorded ? `replayed-${delivery.id}` : delivery.id
      reached.note(isRecorded ? 'deliveries: replayed under a new id' : 'deliveries: delivered again much later')
      agenda.in([second, 4 * minute, 20 * minute][tape.draw(3)]!, () => void this.#deliver(id, delivery))
    }
  }

  async #deliver(id: string, { payload }: Delivery): Promise<void> {
    const { job } = payload as Letter
    const { told, agenda } = this.#world
    const reading: Reading = job
      ? { kind: 'jobs', id, event: 'workflow_job', secret: 0, jobs: [job] }
      : { kind: 'nudge', id, event: 'push', secret: 0 }
    this.sent++
    told.arrives(id, job)
    const acknowledged = await this.receiver(reading, agenda.now)
    if (acknowledged) {
      this.#failed.delete(id)
      if (job) told.delivered(id, job)
    } else if (!id.startsWith('replayed')) {
      told.lost(job)
      if (job) this.#failed.set(id, job)
    }
  }
}

/** Gitea and GitHub tell of a job when it could run; of one whose needs are not done Gitea does, too. */
function isTold({ caller }: SimulatedJob): boolean {
  return !caller
}
