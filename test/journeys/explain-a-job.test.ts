import { expect } from 'vitest'
import { muster, written } from './muster-process.ts'
import { journey, type Stage } from './stage.ts'
import { until } from './until.ts'

const test = journey(1)

/** A running service with one job that got the only runner, and one that waits behind it. */
async function aFullTarget(stage: Stage) {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const targets = [{ name: 'linux', labels: ['linux'], max: 1 }]
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [forge.instance({ targets })] })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  const [first] = forge.push({ name: 'first' })
  await until('the first has a runner', () => dispatcher.calls.length === 1)
  const [second] = forge.push({ name: 'sec\u001b[2Jond' })
  await until('the second waits', async () => (await service.job('gitea', second?.id ?? 0)).verdict === 'full')
  return { forge, service, first: String(first?.id), second: String(second?.id) }
}

test.concurrent('muster explain says why a job waits, what comes next, and how it came to this', async ({ stage }) => {
  const { forge, service, first, second } = await aFullTarget(stage)
  const explain = async (...args: string[]) => {
    const run = muster(stage, 'explain', ...args, '--url', service.adminUrl)
    return { code: await run.ended, out: run.stdout, err: run.stderr }
  }

  const waits = await explain(`gitea/${second}`)
  expect(waits.code).toBe(0)
  expect(waits.out).toMatch(
    /queued: target linux is full: 1 of 1 runners live, no job is ahead, the oldest runner ends by \d\d:\d\d/,
  )
  expect(waits.out).toContain('next: a runner is asked for once one of target linux has ended and no job is ahead')
  expect(waits.out).toMatch(
    /delivery_received[^\n]*\n[^\n]*job_queued[^\n]*\n[^\n]*verdict_changed +to full, reason max/,
  )
  expect(waits.out).not.toContain('\u001b')

  const asJson = JSON.parse((await explain(`gitea/${second}`, '--json')).out)
  expect(asJson).toMatchObject({ id: second, explanation: { live: 1, max: 1, ahead: 0 }, waits: { run_seconds: null } })

  const taken = forge.take(forge.runner('cloud-1'))
  if (taken) forge.finish(taken)
  await until('the first is over', async () => (await service.job('gitea', first)).state === 'finished')
  const over = await explain(`gitea/${first}`, '--round', '1')
  expect(over.out).toMatch(/finished: waited [^\n]*, ran [^\n]* on cloud-1, success/)
  expect(over.out).toContain('job_finished')
})

test.concurrent('muster explain tells what it cannot find, with what there is', async ({ stage }) => {
  const { service, second } = await aFullTarget(stage)
  const failing = async (...args: string[]) => {
    const run = muster(stage, 'explain', ...args)
    return { code: await run.ended, err: run.stderr }
  }
  const url = ['--url', service.adminUrl]
  expect(await failing('gitea/no-such-job', ...url)).toEqual({ code: 1, err: expect.stringContaining(second) })
  expect(await failing('gitae/1', ...url)).toEqual({ code: 1, err: expect.stringContaining('did you mean "gitea"?') })
  expect((await failing(`gitea/${second}`, '--round', '7', ...url)).err).toContain('not its round 7')
  expect(await failing('gitea', ...url)).toEqual({ code: 64, err: expect.stringContaining('expected INSTANCE/JOB') })
  expect(await failing(`gitea/${second}`, '--round', 'x', ...url)).toMatchObject({ code: 64 })
  expect(await failing('gitea/1', '--url', 'http://x:secret@127.0.0.1:1')).toMatchObject({ code: 64 })
  const gone = await failing('gitea/1', '--url', 'http://127.0.0.1:1')
  expect(gone).toEqual({ code: 1, err: expect.stringContaining('no muster answers at http://127.0.0.1:1') })
  const file = await written(stage, 'instances: 7', 'bad.yaml')
  expect(await failing('gitea/1', '--config', file)).toMatchObject({ code: 78 })
})
