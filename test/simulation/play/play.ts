import { openSqliteStore } from '../../../src/store/sqlite.ts'
import type { Store } from '../../../src/store/store.ts'
import { at } from '../../support/builders.ts'
import { Agenda } from './agenda.ts'
import { Depot } from './depot.ts'
import { Desk } from './desk.ts'
import { nameOf } from './dialect.ts'
import { Operators } from './operators.ts'
import { Oracle } from './oracle.ts'
import { Post } from './post.ts'
import { Reached } from './reached.ts'
import { hookUrl } from './replica.ts'
import { Service } from './service.ts'
import { drawSetting, type Setting } from './setting.ts'
import type { Tape } from './tape.ts'
import { Told } from './told.ts'
import { Town } from './town.ts'

export interface Played {
  /** What must never be, as it was first seen. */
  violations: readonly string[]
  setting: Setting
  /** What happened, for people; empty unless it was asked for. */
  story: readonly string[]
  /** How often a runner was asked for, repeats of the same not counted. */
  requests: number
  turns: number
  reached: Reached
}

export interface PlayOptions {
  /** The state that the processes share. Default: SQLite in memory. */
  openStore?: () => Promise<Store>
  /** Writes the story down. */
  told?: boolean
}

/** How many processes there may be on one state. */
export const mostReplicas = 3
const second = 1_000
const minute = 60 * second
/** How long after the last fault, or the last job that was served since, everything must be in order: the longest back-offs and ttls, one after the other. */
const longestRecovery = 4 * 60 * minute
/** How long the service is then watched at rest. */
const rest = 10 * minute
const gaps = [20 * second, second, 5 * second, 45 * second, 2 * minute, 6 * minute]

/** Plays one tape against the real worker, lanes and state, and says what went wrong. */
export async function play(tape: Tape, options: PlayOptions = {}): Promise<Played> {
  const { openStore = () => openSqliteStore({ path: ':memory:' }), told: isTold = false } = options
  const setting = drawSetting(tape, mostReplicas)
  const agenda = new Agenda(at('12:00:00'), tape.draw)
  const began = agenda.now
  const story: string[] = []
  const tell = isTold
    ? (what: string) => void story.push(`${((agenda.now - began) / second).toFixed(1).padStart(8)} ${what}`)
    : null
  tell?.(describe(setting))
  const reached = new Reached()
  const told = new Told(() => agenda.now, setting.dialect.lists.jobs)
  const town = new Town(agenda, tape, setting, reached)
  town.tell = tell
  const oracle = new Oracle({ town, agenda, setting, told, reached })
  const { violation } = oracle
  const around = { town, agenda, setting, tape, told, reached, violation }
  const post = new Post(around)
  const desk = new Desk({ ...around, post })
  const depot = new Depot({ ...around, onRequest: oracle.judge })
  const store = await openStore()
  let made = 0
  const ids = () => `id${String(++made).padStart(4, '0')}`
  let faulty = true
  const service = new Service({ ...around, store, desk, depot, oracle, ids, tell, faulty: () => faulty })
  const operators = new Operators({ ...around, oracle, service })
  if (setting.dialect.recovers)
    await store.saveHook({
      instance: 'main',
      url: hookUrl,
      id: '1',
      fingerprint: 'f',
      events: ['workflow_job'],
      checkedAt: agenda.now,
    })
  post.receiver = (reading) => service.receive(reading)
  reached.note(`forge: ${nameOf(setting.dialect)}`)
  await service.begin()
  const watch = () => {
    for (const { worker } of service.live) reached.note(`mode: ${worker.mode}`)
    return oracle.isGood
  }

  for (let action = 0; action < setting.actions && oracle.isGood; action++) {
    operators.act()
    await agenda.pass(gaps[tape.draw(gaps.length)]!, watch)
  }

  tell?.('the faults stop')
  faulty = false
  town.faulty = desk.faulty = depot.faulty = post.faulty = false
  for (const kind of ['lose', 'duplicate', 'delay', 'reorder'] as const) setting.faults.deliveries[kind] = 0
  for (const runner of town.live) if (runner.dispatch === null || runner.hangs) town.die(runner)
  await service.calm()
  const approve = () => {
    for (const job of town.jobs) if (job.status === 'waiting') town.forge.jobs.approve(job.id)
  }
  approve()
  let progress = { at: agenda.now, queued: town.queued.length }
  while (oracle.isGood && agenda.now < progress.at + longestRecovery && !oracle.isInOrder()) {
    await agenda.pass(minute, watch)
    approve()
    if (town.queued.length < progress.queued) progress = { at: agenda.now, queued: town.queued.length }
  }
  if (oracle.isGood && !oracle.isInOrder()) violation(`hours later it is still not in order: ${oracle.disorder()}`)
  if (oracle.isGood) {
    const before = { turns: service.turns, sent: post.sent, ...desk.calls }
    await agenda.pass(rest, watch)
    oracle.atRest({
      turns: service.turns - before.turns,
      looks: desk.calls.jobs - before.jobs,
      told: post.sent - before.sent,
    })
  }
  if (tell && process.env.DUMP) {
    const ev = await store.events({ limit: 60 })
    for (const e of [...ev.items].reverse())
      story.push(
        `EV ${((e.at - began) / 1000).toFixed(1)} ${e.type} job ${e.job?.id}/${e.job?.round} d ${e.dispatch} r ${e.runner} ${JSON.stringify(e.detail)}`,
      )
  }
  await reachedInStore(store, reached)
  const { turns } = service
  service.end()
  await store.close()
  return { violations: oracle.violations, setting, story, requests: depot.requests.length, turns, reached }
}

/** What the service wrote down of itself counts for what was reached, never for what is right; but each loss is counted once. */
async function reachedInStore(store: Store, reached: Reached): Promise<void> {
  const { items } = await store.events({ limit: 500 })
  for (const { type, detail } of items)
    reached.note(type === 'dispatch_gone' ? `gone: ${detail.reason}` : `event: ${type}`)
}

function describe({ dialect, targets, traits, ...rest }: Setting): string {
  const place = traits.local ? 'local' : traits.names ? 'cluster' : 'remote'
  return JSON.stringify({
    forge: nameOf(dialect),
    place,
    ...rest,
    targets: targets.map(({ name, minIdle, max }) => `${name} ${minIdle}..${max}`),
  })
}
