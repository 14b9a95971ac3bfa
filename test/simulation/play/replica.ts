import { pino } from 'pino'
import type { Clock } from '../../../src/clock.ts'
import type { Target } from '../../../src/core/target.ts'
import { deliveryRecord, type Understood } from '../../../src/delivery-record.ts'
import type { Reading } from '../../../src/forges/forge.ts'
import type { Ids } from '../../../src/ids.ts'
import { createMetrics } from '../../../src/metrics.ts'
import { type Holder, type Store, StoreUnavailable } from '../../../src/store/store.ts'
import { Lane } from '../../../src/worker/lane.ts'
import { Worker } from '../../../src/worker/worker.ts'
import type { Agenda } from './agenda.ts'
import type { Depot } from './depot.ts'
import type { Desk } from './desk.ts'
import type { Reached } from './reached.ts'
import type { Setting } from './setting.ts'
import type { Tape } from './tape.ts'
import { place } from './town.ts'

export interface ReplicaWorld {
  agenda: Agenda
  tape: Tape
  setting: Setting
  store: Store
  desk: Desk
  depot: Depot
  reached: Reached
  ids: Ids
  violation: (what: string) => void
  tell: ((what: string) => void) | null
  /** Faults are on. */
  faulty: () => boolean
  /** What it was told of the lease: an epoch, or that another has it. */
  onLease: (replica: Replica, epoch: number | null) => void
  /** It died: somebody may start it again. */
  onDeath: (replica: Replica) => void
}

const log = pino({ level: 'silent' })
const metrics = createMetrics()
/** More turns than this in one moment never let time pass again. */
const mostTurnsAtOnce = 200
const second = 1_000
export const hookUrl = 'https://muster.example/webhook/main'

/**
 * One process of the service: the real worker, lane and state, between ports where at each await it may die, stand still, or be refused.
 * A process that has died hears of nothing any more; one that stands still hears of everything when it goes on.
 */
export class Replica {
  readonly name: string
  alive = true
  /** Milliseconds that its wall clock is ahead. */
  skew = 0
  turns = 0
  worker: Worker
  readonly #world: ReplicaWorld
  readonly #lane: Lane
  readonly #store: Store
  readonly #holder: Holder
  readonly #deaths: (() => void)[] = []
  readonly #clock: Clock
  #held: (() => void)[] | null = null
  #lastTurn = { at: 0, count: 0 }
  #unring: () => void
  #targets: readonly Target[]

  private constructor(world: ReplicaWorld, name: string, targets: readonly Target[], skew: number) {
    this.#world = world
    this.name = name
    this.skew = skew
    this.#targets = targets
    this.#holder = { id: `${name}-${world.ids()}`, host: this.#host }
    this.#store = this.#guardStore(world.store)
    this.#clock = this.#makeClock()
    const dispatcher = world.depot.for(this)
    this.#lane = new Lane(
      { name: 'default', timeout: 15_000, launchConcurrency: 8, onShutdown: 'close' },
      { dispatcher: this.#guarded(dispatcher, 'dispatcher'), store: this.#store, clock: this.#clock, metrics },
    )
    this.worker = this.#makeWorker()
    this.#unring = world.store.onBell(() => this.#deliver(() => this.worker.ring()))
  }

  /** What the service does when it begins. Null when it died over it. */
  static async start(world: ReplicaWorld, name: string, targets: readonly Target[], skew: number): Promise<Replica> {
    const replica = new Replica(world, name, targets, skew)
    replica.worker.start()
    return replica
  }

  onDeath(listener: () => void): void {
    this.#deaths.push(listener)
  }

  /** As `kill -9`: nothing that it waits for ever comes back to it. */
  die(): void {
    if (!this.alive) return
    this.alive = false
    this.#unring()
    this.#held = null
    for (const listener of this.#deaths) listener()
    // One that is alone has a file, and the next process ends every lease by opening it.
    if (this.#world.setting.replicas === 1) this.#giveUp()
    this.#world.tell?.(`${this.name} dies`)
    this.#world.onDeath(this)
  }

  get isStopped(): boolean {
    return this.#held !== null
  }

  /** As SIGSTOP, for so many milliseconds. */
  stand(ms: number): void {
    if (!this.alive || this.#held !== null) return
    this.#world.tell?.(`${this.name} stands still for ${ms / second} s`)
    this.#world.reached.note('process: stands still')
    this.#held = []
    this.#world.agenda.in(ms, () => this.goOn())
  }

  goOn(): void {
    const held = this.#held
    this.#held = null
    if (this.alive && held) for (const tell of held) tell()
  }

  /** Another configuration, as a reload swaps it in: a new worker, the same lanes. */
  async reload(targets: readonly Target[]): Promise<void> {
    this.#targets = targets
    const old = this.worker
    await old.stop()
    if (!this.alive) return
    this.worker = this.#makeWorker()
    this.worker.start()
  }

  /** As SIGTERM. */
  async end(): Promise<void> {
    await this.worker.stop()
    await this.#lane.close()
    this.#giveUp()
    this.#unring()
    this.alive = false
    for (const listener of this.#deaths) listener()
  }

  /** One webhook: true for a 2xx, which is given only once the delivery is recorded. */
  async receive(reading: Reading): Promise<boolean> {
    const { dialect } = this.#world.setting
    const receiver = { name: 'main', targets: this.#targets, labels: dialect.labels }
    const record = deliveryRecord(reading as Understood, receiver, {
      at: this.#clock.now(),
      via: 'http',
      signedBy: null,
    })
    let answered = false
    return new Promise((resolve) => {
      this.onDeath(() => answered || resolve(false))
      this.#store.recordDelivery(record).then(
        (result) => {
          answered = true
          if (result === 'duplicate') this.#world.reached.note('deliveries: a duplicate is known')
          resolve(true)
        },
        () => resolve(false),
      )
    })
  }

  #giveUp(): void {
    const { agenda, store } = this.#world
    agenda.waiting++
    const done = () => void agenda.waiting--
    store.lease('main', this.#holder, agenda.now, 0).then(done, done)
  }

  pause(paused: boolean): Promise<void> {
    const how = { at: this.#clock.now(), by: 'somebody', reason: null }
    return paused ? this.#store.pause('main', how) : this.#store.resume('main', how)
  }

  get #host(): string {
    return this.#world.setting.traits.local ? 'here' : this.name
  }

  #makeWorker(): Worker {
    const { setting, desk, ids } = this.#world
    const { traits } = setting
    const forge = this.#guarded(desk.forge, 'forge')
    return new Worker(
      {
        instance: 'main',
        scope: place,
        forge,
        targets: this.#targets,
        api: null,
        forgeAt: () => forge,
        store: this.#store,
        lanes: new Map([['default', this.#lane]]),
        maxParallel: new Map(setting.maxParallel === null ? [] : [['default', setting.maxParallel]]),
        stoppable: new Set(traits.stops ? ['default'] : []),
        lists: new Set(traits.lists ? ['default'] : []),
        owner: 'muster',
        host: this.#host,
        dryRun: false,
        rebuiltAt: null,
        hookUrl: setting.dialect.recovers ? hookUrl : null,
        webhookGrace: 60_000,
        retiring: new Set(),
        clock: this.#clock,
        ids,
        log,
        metrics,
        traces: { tell: () => undefined },
      },
      {
        holder: this.#holder,
        leaseTime: setting.replicas > 1 ? 10 * second : 60 * 60 * second,
        disablePolling: setting.disablePolling,
        pollInterval: 30_000,
        reconcileInterval: setting.reconcileInterval,
      },
    )
  }

  #makeClock(): Clock {
    const { agenda } = this.#world
    return {
      now: () => agenda.now + this.skew,
      monotonic: () => agenda.now,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (!this.alive || this.#diesAt('a sleep')) return
          let done = false
          const wake = () => {
            if (done) return
            done = true
            strike()
            this.#deliver(resolve)
          }
          const strike = agenda.in(ms, wake)
          if (signal?.aborted) wake()
          else signal?.addEventListener('abort', wake, { once: true })
        }),
    }
  }

  /** The state: every promise of it may be the last thing that happens, and every one may be refused. */
  #guardStore(store: Store): Store {
    const guarded = this.#guarded(store, 'store', true)
    return {
      ...guarded,
      // Replicas go by the clock of their database, whatever their own say.
      lease: async (instance, holder, _, ms) => {
        const epoch = await guarded.lease(instance, holder, this.#world.agenda.now, ms)
        this.#world.onLease(this, epoch)
        return epoch
      },
      facts: (instance, query) => {
        this.turns++
        const { now } = this.#world.agenda
        this.#lastTurn =
          this.#lastTurn.at === now ? { at: now, count: this.#lastTurn.count + 1 } : { at: now, count: 1 }
        if (this.#lastTurn.count > mostTurnsAtOnce) {
          this.#world.violation('the worker turns and turns in one moment')
          return new Promise(() => undefined)
        }
        return guarded.facts(instance, query)
      },
    }
  }

  #guarded<T extends object>(port: T, what: string, isStore = false): T {
    const copy = { ...port }
    for (const [key, value] of Object.entries(port)) {
      // What registers a listener is no call that something comes back from.
      if (typeof value !== 'function' || key.startsWith('on')) continue
      const name = `${what} ${key}`
      const run = value as (...given: unknown[]) => unknown
      Reflect.set(copy, key, (...given: unknown[]) => this.#call(name, isStore, () => run.apply(port, given)))
    }
    return copy
  }

  #call(name: string, isStore: boolean, run: () => unknown): Promise<unknown> {
    const { tape, setting, reached } = this.#world
    return new Promise((resolve, reject) => {
      if (!this.alive || this.#diesAt(`before ${name}`)) return
      if (isStore && this.#world.faulty() && tape.rare(setting.faults.store)) {
        reached.note('store: unavailable')
        return this.#answer(name, isStore, () => reject(new StoreUnavailable('the disk is full')))
      }
      // A plan is made, and not written down: the moment at which another may take over.
      if (name === 'store intend' && this.#faltersNow()) reached.note('process: stands still with a plan in its hand')
      this.#deliver(() => this.#run(name, isStore, run, resolve, reject))
    })
  }

  #run(
    name: string,
    isStore: boolean,
    run: () => unknown,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
    const { agenda } = this.#world
    if (isStore) agenda.waiting++
    const answered = (tell: () => void) => {
      if (isStore) agenda.waiting--
      this.#answer(name, isStore, tell)
    }
    Promise.resolve(run()).then(
      (value) => answered(() => resolve(value)),
      (error) => answered(() => reject(error)),
    )
  }

  #faltersNow(): boolean {
    const { tape, setting } = this.#world
    if (!this.#world.faulty() || setting.faults.stop === 0 || tape.draw(8) !== 7) return false
    this.stand([20, 90][tape.draw(2)]! * second)
    return true
  }

  /** The answer is there. It may come late, or to nobody. */
  #answer(name: string, isStore: boolean, tell: () => void): void {
    const { agenda, tape, setting, reached } = this.#world
    if (!this.alive || this.#diesAt(`after ${name}`)) return
    if (this.#world.faulty() && tape.rare(setting.faults.stop)) {
      reached.note(`process: stands still ${isStore ? 'between two writes' : 'in a call'}`)
      this.stand([5, 20, 90][tape.draw(3)]! * second)
    }
    const slow = isStore ? tape.draw(256) : 0
    if (slow < 250) this.#deliver(tell)
    else agenda.in([1, 5, 20, 100, 500, 2_000][slow - 250]!, () => this.#deliver(tell))
  }

  #deliver(tell: () => void): void {
    if (!this.alive) return
    if (this.#held) this.#held.push(tell)
    else tell()
  }

  #diesAt(where: string): boolean {
    const { tape, setting, reached } = this.#world
    if (!this.#world.faulty() || !tape.rare(setting.faults.crash)) return false
    // Told by the port; each call of it is as good as the other.
    reached.note(`crash ${where.startsWith('a ') ? where : where.split(' ').slice(0, 2).join(' ')}`)
    this.#world.tell?.(`${this.name} crashes ${where}`)
    this.die()
    return true
  }
}
