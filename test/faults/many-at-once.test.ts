import { randomUUID } from 'node:crypto'
import { expect, vi } from 'vitest'
import { deliver } from '../journeys/hand-made-delivery.ts'
import { journey } from '../journeys/stage.ts'
import { until } from '../journeys/until.ts'
import { aTown, nothing, service, type Town } from './town.ts'

const test = journey(1)
vi.setConfig({ testTimeout: 600_000 })

/** Jobs of one burst. A night takes 10,000. */
const burst = Number(process.env.MUSTER_FAULTS_BURST ?? 300)
/** Connections at once: what one address of the internet may hold is less than what the loopback may. */
const together = 100

interface Announced {
  event: string
  payload: object
  id?: string
}

function announce(town: Town, { event, payload, id }: Announced) {
  return deliver(town.hook, { kind: 'gitea', event, payload, secret: town.forge.secret, id })
}

test.concurrent('one delivery that comes a hundred times at once is one job and one runner', async ({ stage }) => {
  const town = await aTown(stage, { name: 'a-hundred-times' })
  const run = service(town)
  const { adminUrl } = await run.ready()
  await town.hooked()
  // The forge itself says nothing of it, so that all that is told is told here.
  town.forge.loseNext()
  town.push()
  const [made] = await until('it was made', () => {
    const queued = town.forge.deliveries().filter(({ action }) => action === 'queued')
    return queued.length > 0 && queued
  })
  const { event, payload } = made as { event: string; payload: object }
  const id = randomUUID()
  const answers = await Promise.all(Array.from({ length: 100 }, () => announce(town, { event, payload, id })))
  expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(202))
  const said = answers.map(({ json }) => (json as { status: string }).status)
  expect(said.filter((one) => one === 'accepted')).toHaveLength(1)
  expect(said.filter((one) => one === 'duplicate')).toHaveLength(99)
  expect(town.judge(await town.settled(run))).toEqual(nothing)
  expect(town.starts).toHaveLength(1)
  const { items } = JSON.parse(await (await fetch(`${adminUrl}/api/v1/jobs`)).text())
  expect(items).toHaveLength(1)
})

test.concurrent(`of a burst of ${burst} jobs none is lost, and each gets one runner`, async ({ stage }) => {
  const town = await aTown(stage, { name: 'burst', max: burst })
  const run = service(town)
  await run.ready()
  await town.hooked()
  for (let pushed = 0; pushed < burst; pushed += together) {
    const before = town.progress
    for (let job = 0; job < together; job++) town.push()
    await until('half of them were taken in', () => town.progress >= before + together / 2)
  }
  const rows = await town.settled(run)
  expect(town.judge(rows)).toEqual(nothing)
  expect(town.starts).toHaveLength(burst)
  // Some may come too late for the patience of the forge, and are found by a look; none is turned away.
  expect(rows.filter(({ f, type }) => f === 'deliver' && type === 'fail')).toEqual([])
})
