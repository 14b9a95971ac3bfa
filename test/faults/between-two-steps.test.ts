import { fileURLToPath } from 'node:url'
import { expect, vi } from 'vitest'
import { journey } from '../journeys/stage.ts'
import { extent } from './checker.ts'
import { aTown, nothing, service } from './town.ts'

const test = journey(1)
// Whole processes, on a machine that may have other things to do.
vi.setConfig({ testTimeout: 120_000 })
const dieAt = fileURLToPath(new URL('./die-at.ts', import.meta.url))

/** Each is one that a first start and one job come through. */
const steps = [
  'before schema 1 is committed',
  'after schema 1 is committed',
  'before hook is committed',
  'after hook is committed',
  'before delivery is committed',
  'after delivery is committed',
  'before a delivery is answered',
  'after a delivery is answered',
  'before intended is committed',
  'after intended is committed',
  'before sent is committed',
  'after sent is committed',
  'before a runner is asked for',
  'after a runner is asked for',
  'after its dispatcher has answered',
  'before accepted is committed',
  'after accepted is committed',
]

test.concurrent.for(steps)('it dies %s, and the next one serves each job with one runner', async (step, { stage }) => {
  const town = await aTown(stage, { name: `dies-${step.replaceAll(' ', '-')}` })
  const dying = service(town, { node: ['--import', dieAt], env: { DIE_AT: step } })
  // One is found by looking, the other announced, unless it dies before there is a webhook.
  town.push()
  await Promise.race([town.hooked(), dying.ended])
  town.push()
  expect(await dying.ended).toBe('SIGKILL')

  const last = service(town)
  const rows = await town.settled(last)
  expect(town.judge(rows)).toEqual(nothing)
  expect(extent(rows).started).toBe(town.forge.world.ground.jobs.size)
  last.child.kill('SIGTERM')
  expect(await last.ended).toBe(0)
})
