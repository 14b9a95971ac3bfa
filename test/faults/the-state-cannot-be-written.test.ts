import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { expect, vi } from 'vitest'
import { aJobEvent, deliver } from '../journeys/hand-made-delivery.ts'
import type { MusterProcess } from '../journeys/muster-process.ts'
import { journey, type Stage } from '../journeys/stage.ts'
import { until } from '../journeys/until.ts'
import { canMount, fill, roomOn, smallDisk } from './disk.ts'
import { aTown, nothing, service, type Town } from './town.ts'

const test = journey(1)
vi.setConfig({ testTimeout: 120_000 })

const mountable = canMount ? '' : ' (skipped: only root may mount a small disk)'
const limitable = spawnSync('prlimit', ['--version']).status === 0
const limits = limitable ? '' : ' (skipped: there is no prlimit)'

/** Delivers one job event more; answers the status, and notes the job if it was acknowledged. */
async function deliverOne(town: Town, taken: string[]) {
  const payload = aJobEvent({ labels: ['nobody-has-this'] })
  const { secret } = town.forge
  const answer = await deliver(town.hook, { kind: 'gitea', event: 'workflow_job', payload, secret })
  if (answer.status === 202) taken.push(String(payload.workflow_job.id))
  return answer
}

async function metric(run: MusterProcess, name: string): Promise<number> {
  const { adminUrl } = await run.ready()
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  return Number(text.match(new RegExp(`^${name} (\\S+)$`, 'm'))?.[1])
}

async function readiness(run: MusterProcess): Promise<number> {
  const { adminUrl } = await run.ready()
  return (await fetch(`${adminUrl}/readyz`)).status
}

/** That it answers 503 and goes on with all that needs no writing. */
async function expectRefusing(town: Town, run: MusterProcess, taken: string[]): Promise<void> {
  const refused = await until('a delivery is refused', async () => {
    const answer = await deliverOne(town, taken)
    return answer.status !== 202 && answer
  })
  expect(refused.status).toBe(503)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  const { publicUrl, adminUrl } = await run.ready()
  expect((await fetch(`${publicUrl}/healthz`)).status).toBe(200)
  expect((await fetch(`${adminUrl}/api/v1/jobs?limit=500`)).status).toBe(200)
  expect(await readiness(run)).toBe(503)
  expect(await metric(run, 'muster_state_writable')).toBe(0)
}

async function expectWell(town: Town, run: MusterProcess, taken: string[]): Promise<void> {
  await until('it is ready again', async () => (await readiness(run)) === 200)
  expect((await deliverOne(town, taken)).status).toBe(202)
  expect(await metric(run, 'muster_state_writable')).toBe(1)
  expect(run.stderr).toContain('the state can be written again')
}

/** Of the service as it runs now: what was acknowledged is there. */
async function expectAll(run: MusterProcess, taken: readonly string[]): Promise<void> {
  const { adminUrl } = await run.ready()
  for (const id of taken) expect((await fetch(`${adminUrl}/api/v1/jobs/gitea/${id}`)).status, id).toBe(200)
}

async function onASmallDisk(stage: Stage, name: string): Promise<Town & { folder: string }> {
  const folder = smallDisk(stage, 16)
  return { ...(await aTown(stage, { name, configuration: { state: `sqlite:${folder}/muster.db` } })), folder }
}

test.skipIf(!canMount)(
  `on a full disk it refuses what is new, reads on, lets its ballast go to record what is under way, and heals by itself${mountable}`,
  async ({ stage }) => {
    const letGo = Promise.withResolvers<void>()
    const folder = smallDisk(stage, 16)
    const town = await aTown(stage, {
      name: 'full-disk',
      dispatcher: () => ({ after: letGo.promise, does: 'starts' }),
      configuration: { state: `sqlite:${folder}/muster.db` },
    })
    const run = service(town)
    const { adminUrl } = await run.ready()
    await town.hooked()
    town.push()
    await until('a runner was asked for', () => town.starts.length === 1)
    const taken: string[] = []
    expect((await deliverOne(town, taken)).status).toBe(202)

    const makeRoom = fill(folder)
    await expectRefusing(town, run, taken)
    expect(run.stderr).toContain('the disk of the state is full')
    expect(existsSync(`${folder}/muster.db-ballast`)).toBe(false)
    letGo.resolve()
    const states = async () => {
      const answer = await fetch(`${adminUrl}/api/v1/dispatches`)
      const { items }: { items: { state: string }[] } = JSON.parse(await answer.text())
      return items.map(({ state }) => state)
    }
    await until('the outcome is recorded', async () => (await states()).includes('accepted'))
    expect((await deliverOne(town, taken)).status).toBe(503)

    makeRoom()
    await expectWell(town, run, taken)
    expect(existsSync(`${folder}/muster.db-ballast`)).toBe(true)
    await expectAll(run, taken)
    expect(roomOn(folder)).toBeGreaterThan(0)
    expect(town.judge(await town.settled(run))).toEqual(nothing)
  },
)

test.skipIf(!limitable)(
  `while every write fails it refuses what is new and reads on, and goes on when they succeed again${limits}`,
  async ({ stage }) => {
    const town = await aTown(stage, { name: 'write-errors' })
    const run = service(town)
    await run.ready()
    const taken: string[] = []
    expect((await deliverOne(town, taken)).status).toBe(202)
    const limit = (bytes: string) => execFileSync('prlimit', ['--pid', String(run.child.pid), `--fsize=${bytes}:`])
    limit('1')
    await expectRefusing(town, run, taken)
    expect(run.stderr).toContain('the state cannot be written')
    limit('unlimited')
    await expectWell(town, run, taken)
    await expectAll(run, taken)
    run.child.kill('SIGKILL')
    await run.ended
    await expectAll(service(town), taken)
  },
)

test.skipIf(!canMount)(
  `on a disk that may only be read it does not start, and says why${mountable}`,
  async ({ stage }) => {
    const town = await onASmallDisk(stage, 'read-only')
    execFileSync('mount', ['-o', 'remount,ro', town.folder])
    const run = service(town)
    expect(await run.ended).toBe(1)
    expect(run.stderr).toContain(`${town.folder}/muster.db cannot be created`)
    execFileSync('mount', ['-o', 'remount,rw', town.folder])
    await service(town).ready()
  },
)

test('a second one on the same file ends, names the file and the first, and disturbs nothing', async ({ stage }) => {
  const town = await aTown(stage, { name: 'two-on-one-file' })
  const first = service(town)
  await first.ready()
  const second = service(town)
  expect(await second.ended).toBe(1)
  expect(second.stderr).toContain(`${stage.folder}/muster.db is in use by process ${first.child.pid}`)
  expect((await deliverOne(town, [])).status).toBe(202)
})

test('while another program holds the file it does not start, and names that one', async ({ stage }) => {
  const town = await aTown(stage, { name: 'locked' })
  const run = service(town)
  await run.ready()
  run.child.kill('SIGTERM')
  await run.ended
  const script = `const { DatabaseSync } = require('node:sqlite'); new DatabaseSync(process.argv[1]).exec('BEGIN EXCLUSIVE'); console.log('held'); setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['-e', script, `${stage.folder}/muster.db`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  stage.onEnd(() => holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  const refused = service(town)
  expect(await refused.ended).toBe(1)
  expect(refused.stderr).toContain(`is in use by process ${holder.pid}`)
})

/** Spoils the file of a service that has ended. */
function spoil(file: string): void {
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.fill(0xff, 4096, 3 * 4096))
}

test('with a damaged file it does not start; told to rebuild, it sets that aside, serves every job, and holds min_idle', async ({
  stage,
}) => {
  const file = `${stage.folder}/muster.db`
  const town = await aTown(stage, { name: 'damaged', minIdle: 2 })
  const first = service(town)
  await first.ready()
  await town.hooked()
  await until('the warm runners are asked for', () => town.starts.length === 2)
  first.child.kill('SIGTERM')
  await first.ended
  spoil(file)

  const refused = service(town)
  expect(await refused.ended).toBe(1)
  expect(refused.stderr).toMatch(new RegExp(`${file} is damaged .*--rebuild-state`))

  for (const _ of ['the first after it', 'one that is started in the same way, with nothing to do']) {
    const rebuilt = service(town, { args: ['serve', '--rebuild-state'] })
    await rebuilt.ready()
    // The two that stand ready take the first two jobs; for the next two others are started, and none takes the place of the warm ones.
    for (let job = 0; job < 2; job++) town.push()
    await until('every job runs', () => town.waiting === 0)
    rebuilt.child.kill('SIGTERM')
    expect(await rebuilt.ended).toBe(0)
  }
  const aside = readdirSync(stage.folder).filter((name) => name.includes('.damaged-') && !name.endsWith('-wal'))
  expect(aside).toHaveLength(1)
  // None for min_idle: what was started then may still stand where nobody sees it.
  expect(town.starts.filter((job) => job === 'undefined')).toHaveLength(2)
})

test('damaged under its feet, it answers no 2xx that would be lost', async ({ stage }) => {
  const file = `${stage.folder}/muster.db`
  const town = await aTown(stage, { name: 'damaged-at-work' })
  const before = service(town)
  await before.ready()
  const taken: string[] = []
  for (let index = 0; index < 30; index++) await deliverOne(town, taken)
  before.child.kill('SIGTERM')
  await before.ended
  // A page that is sound and says nothing sensible is found only where it is read.
  const db = new DatabaseSync(file)
  const root = Number(db.prepare(`SELECT rootpage FROM sqlite_schema WHERE name = 'deliveries'`).get()?.rootpage)
  db.close()
  const run = service(town)
  await run.ready()
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.fill(0xff, (root - 1) * 4096, root * 4096))
  const answers = new Set<number>()
  const later: string[] = []
  for (let index = 0; index < 20; index++) answers.add((await deliverOne(town, later)).status)
  expect([...answers].every((status) => status === 202 || status === 503)).toBe(true)
  expect((await fetch(`${(await run.ready()).publicUrl}/healthz`)).status).toBe(200)
  if (answers.has(503)) expect(run.stderr).toContain('the state is damaged')
  else await expectAll(run, later)
})
