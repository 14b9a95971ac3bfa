import type { Target } from '../../../src/core/target.ts'
import type { Reading } from '../../../src/forges/forge.ts'
import type { Oracle } from './oracle.ts'
import { Replica, type ReplicaWorld } from './replica.ts'
import type { Told } from './told.ts'

export interface ServiceWorld extends Omit<ReplicaWorld, 'onDeath' | 'onLease'> {
  oracle: Oracle
  told: Told
}

const second = 1_000
const minute = 60 * second

/** All processes of the service, and whoever starts them again: systemd, or a cluster. */
export class Service {
  readonly replicas = new Map<string, Replica>()
  turnsOfTheDead = 0
  /** What each was told last. */
  readonly #epochs = new Map<Replica, number | null>()
  readonly #world: ServiceWorld
  #targets: readonly Target[]
  #faulty = true
  #skew = 0
  #next = 0
  #wishes = 0

  constructor(world: ServiceWorld) {
    this.#world = world
    this.#targets = world.setting.targets
  }

  get live(): Replica[] {
    return [...this.replicas.values()].filter(({ alive }) => alive)
  }

  get turns(): number {
    return this.turnsOfTheDead + this.live.reduce((sum, { turns }) => sum + turns, 0)
  }

  async begin(): Promise<void> {
    for (let number = 1; number <= this.#world.setting.replicas; number++) await this.#start(`replica-${number}`)
  }

  async #start(name: string): Promise<void> {
    const world: ReplicaWorld = {
      ...this.#world,
      onDeath: (replica) => this.#died(replica),
      onLease: (replica, epoch) => this.#leased(replica, epoch),
    }
    this.replicas.set(name, await Replica.start(world, name, this.#targets, this.#skew))
    this.#world.tell?.(`${name} starts`)
  }

  #leased(replica: Replica, epoch: number | null): void {
    const { reached } = this.#world
    const before = this.#epochs.get(replica) ?? null
    if (epoch === null && before !== null) reached.note('lease: one hears that it has it no more')
    this.#epochs.set(replica, epoch)
    if (epoch === null || epoch === before) return
    reached.note('lease: it changes hands')
    this.#world.depot.doubt()
    const others = this.live.filter((one) => one !== replica && (this.#epochs.get(one) ?? null) !== null)
    if (others.length > 0) reached.note('lease: two believe that they have it')
  }

  #died(replica: Replica): void {
    const { told, agenda, tape, reached } = this.#world
    this.turnsOfTheDead += replica.turns
    told.forget()
    reached.note('process: killed')
    this.replicas.delete(replica.name)
    const pause = [second, 10 * second, 5 * minute][this.#faulty ? tape.draw(3) : 0]!
    agenda.in(pause, () => void this.#start(replica.name))
  }

  /** A webhook goes to any of them. */
  async receive(reading: Reading): Promise<boolean> {
    const { tape, reached } = this.#world
    const live = this.live
    const replica = live[live.length > 1 ? tape.draw(live.length) : 0]
    if (!replica) {
      reached.note('deliveries: nobody is there')
      return false
    }
    return replica.receive(reading)
  }

  kill(): void {
    this.#one()?.die()
  }

  /** SIGTERM, and a start after it. */
  endGracefully(): void {
    const replica = this.#one()
    if (!replica) return
    const { agenda, reached, told } = this.#world
    this.#world.tell?.(`${replica.name} is asked to end`)
    reached.note('process: ended gracefully')
    told.forget()
    void replica.end().then(() => {
      this.turnsOfTheDead += replica.turns
      this.replicas.delete(replica.name)
      agenda.in(second, () => void this.#start(replica.name))
    })
  }

  lookNow(): void {
    this.#world.reached.note('operators: look now')
    this.#one()?.worker.lookNow()
  }

  /** Everywhere at once, as a rollout of a configuration is meant to be. */
  reload(targets: readonly Target[]): void {
    const { oracle, told } = this.#world
    this.#world.tell?.(`reload: ${targets.map(({ name, max, minIdle }) => `${name} ${minIdle}..${max}`).join(', ')}`)
    this.#targets = targets
    oracle.retarget(targets)
    told.forget()
    for (const replica of this.live) void replica.reload(targets)
  }

  /** Pauses the instance, or lets it go on. */
  pause(): void {
    const { oracle, agenda, reached } = this.#world
    const replica = this.#one()
    const paused = oracle.pausedAt === null
    this.#world.tell?.(paused ? 'the instance is paused' : 'the instance goes on')
    if (!paused) oracle.pausedAt = null
    const wish = ++this.#wishes
    void replica?.pause(paused).then(
      () => {
        // One that was carried out late says nothing of what was wished since.
        if (paused && wish === this.#wishes) oracle.pausedAt = agenda.now
        reached.note(paused ? 'operators: paused' : 'operators: resumed')
      },
      () => undefined,
    )
  }

  moveClock(by: number): void {
    const { oracle, reached, tell } = this.#world
    tell?.(`the wall clock moves by ${by / minute} min`)
    reached.note(by > 0 ? 'clock: jumps ahead' : 'clock: jumps back')
    oracle.moved = Math.max(oracle.moved, Math.abs(by))
    this.#skew += by
    for (const replica of this.live) replica.skew += by
  }

  stand(ms: number): void {
    this.#one()?.stand(ms)
  }

  /** No fault happens any more: everybody goes on, and nothing is paused. */
  async calm(): Promise<void> {
    this.#faulty = false
    const { store, agenda, oracle } = this.#world
    for (const replica of this.live) replica.goOn()
    this.#wishes++
    oracle.pausedAt = null
    await store.resume('main', { at: agenda.now, by: 'somebody', reason: null })
  }

  end(): void {
    for (const replica of this.live) {
      replica.alive = false
    }
  }

  #one(): Replica | undefined {
    const { live } = this
    this.#next++
    return live[this.#next % (live.length || 1)]
  }
}
