import { readdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import { muster, written } from './muster-process.ts'
import { journey, type Stage } from './stage.ts'
import { started } from './staged-dispatcher.ts'
import { until } from './until.ts'

const test = journey(1)

async function aConfiguration(stage: Stage) {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const configuration = {
    listen: `127.0.0.1:${stage.port}`,
    admin: { listen: '127.0.0.1:0' },
    state: `sqlite:${stage.folder}/muster.db`,
    dispatcher: { url: dispatcher.url },
    instances: [forge.instance()],
  }
  return { forge, dispatcher, configuration }
}

async function aTakenPort(stage: Stage): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stage.onEnd(() => new Promise((resolve) => server.close(resolve)))
  return (server.address() as AddressInfo).port
}

test.concurrent('muster demo tells its story on three forges, leaves nothing behind, and ends with 0', async ({
  stage,
}) => {
  const run = muster(stage, 'demo', '--exit-when-idle', '--json')
  expect(await run.ended).toBe(0)
  const result: { jobs: number; served: number; cancelled: number; runners: object; webhooks: object } = JSON.parse(
    run.stdout,
  )
  expect(result).toEqual({
    jobs: expect.any(Number),
    served: expect.any(Number),
    cancelled: expect.any(Number),
    wait_ms: { median: expect.any(Number), worst: expect.any(Number) },
    runners: { started: expect.any(Number), left: 0 },
    webhooks: { duplicates: expect.any(Number), lost_found: expect.any(Number) },
  })
  expect(result.jobs).toBeGreaterThanOrEqual(10)
  expect(result.served + result.cancelled).toBe(result.jobs)
  expect(result.cancelled).toBeGreaterThanOrEqual(1)
  expect(result.webhooks).toMatchObject({ duplicates: 1, lost_found: 1 })
  // Its folder for a while was here, too.
  expect(await readdir(stage.folder)).toEqual([])
}, 60_000)

test.concurrent('a bad configuration ends it with 78, and tells every problem with its place', async ({ stage }) => {
  const secret = stage.canaries.add('hunter2-hunter2-hunter2')
  const file = await written(
    stage,
    `lisen: ":1"
dispatcher: { url: "http://127.0.0.1:1" }
instances:
  - name: main
    gitea: { base_url: "https://gitea.example.org", token: "${secret}" }
    scope: { level: repository, owner: acme }
    poll_interval: -3s
    targets:
      - labels: []
        max: none
`,
  )
  const run = muster(stage, '--config', file)
  expect(await run.ended).toBe(78)
  expect(run.stdout).toBe('')
  for (const problem of [
    /autoscaler\.yaml:1:1 lisen: .*listen/,
    /autoscaler\.yaml:6:\d+ instances.*scope/,
    /autoscaler\.yaml:7:\d+ instances.*poll_interval/,
    /autoscaler\.yaml:9:\d+ instances.*labels/,
    /autoscaler\.yaml:10:\d+ instances.*max/,
  ]) {
    expect(run.stderr).toMatch(problem)
  }
  expect(stage.canaries.in(run.stderr)).toEqual([])
})

test.concurrent('a configuration that is not there ends it with 78', async ({ stage }) => {
  const run = muster(stage, 'serve')
  expect(await run.ended).toBe(78)
  expect(run.stderr).toMatch(/autoscaler\.yaml/)
})

test.concurrent.for([['--confg', 'x'], ['frobnicate'], ['serve', 'twice']])(
  'muster %o is not understood, and ends with 64',
  async (args, { stage }) => {
    const run = muster(stage, ...args)
    expect(await run.ended).toBe(64)
    expect(run.stderr).toMatch(/muster serve/)
    expect(run.stdout).toBe('')
  },
)

test.concurrent('muster simulate is promised, and says that it is not built yet', async ({ stage }) => {
  const run = muster(stage, 'simulate')
  expect(await run.ended).toBe(64)
  expect(run.stderr).toMatch(/^"muster simulate" is not supported yet\n/)
  expect(run.stdout).toBe('')
})

test.concurrent('--help and --version end with 0', async ({ stage }) => {
  const [help, version] = [muster(stage, '--help'), muster(stage, '--version')]
  expect(await Promise.all([help.ended, version.ended])).toEqual([0, 0])
  expect(help.stdout).toMatch(/muster serve/)
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+/)
})

test.concurrent('a port that is taken ends it with 1, and names the port', async ({ stage }) => {
  const { configuration } = await aConfiguration(stage)
  const port = await aTakenPort(stage)
  await written(stage, { ...configuration, listen: `127.0.0.1:${port}` })
  const run = muster(stage)
  expect(await run.ended).toBe(1)
  expect(run.stderr).toContain(`127.0.0.1:${port}`)
})

test.concurrent('an admin port that is taken ends it with 1, and names the port', async ({ stage }) => {
  const { configuration } = await aConfiguration(stage)
  const port = await aTakenPort(stage)
  await written(stage, { ...configuration, admin: { listen: `127.0.0.1:${port}` } })
  const run = muster(stage)
  expect(await run.ended).toBe(1)
  expect(run.stderr).toContain(`127.0.0.1:${port}`)
})

test.concurrent('a state that another process has ends it with 1, and leaves the other alone', async ({ stage }) => {
  const { configuration } = await aConfiguration(stage)
  await written(stage, configuration)
  const first = muster(stage)
  const { adminUrl } = await first.ready()
  const file = await written(stage, { ...configuration, listen: '127.0.0.1:0' }, 'second.yaml')
  const second = muster(stage, '-c', file)
  expect(await second.ended).toBe(1)
  expect(second.stderr).toMatch(/muster\.db/)
  expect(await fetch(`${adminUrl}/readyz`)).toMatchObject({ status: 200 })
  first.child.kill('SIGTERM')
  expect(await first.ended).toBe(0)
})

test.concurrent.for(['SIGTERM', 'SIGINT'] as const)(
  '%s with a call in flight ends it with 0, and the next start asks nothing twice',
  async (signal, { stage }) => {
    const { forge, dispatcher, configuration } = await aConfiguration(stage)
    dispatcher.behave(() => undefined)
    await written(stage, configuration)
    const run = muster(stage)
    await run.ready()
    await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
    forge.push({})
    await until('the call is in flight', () => dispatcher.calls.length === 1)
    const began = performance.now()
    run.child.kill(signal)
    expect(await run.ended).toBe(0)
    expect(performance.now() - began).toBeLessThan(10_000)

    dispatcher.behave((_, answer) => started(answer, 'cloud-1'))
    const again = muster(stage)
    const { adminUrl } = await again.ready()
    await until('it has looked', async () => {
      const answer = await fetch(`${adminUrl}/api/v1/instances/gitea`)
      const { last_look }: { last_look: unknown } = JSON.parse(await answer.text())
      return last_look !== null
    })
    expect(dispatcher.calls).toHaveLength(1)
    again.child.kill(signal)
    expect(await again.ended).toBe(0)
  },
)

test.concurrent('SIGHUP takes the file up as it is now, and a bad one ends nothing', async ({ stage }) => {
  const { configuration } = await aConfiguration(stage)
  await written(stage, configuration)
  const run = muster(stage)
  await run.ready()
  await written(stage, { ...configuration, max_body: '2MiB' })
  run.child.kill('SIGHUP')
  await until('it is told', () => run.stderr.includes('max_body: 1048576 → 2097152'))
  await written(stage, { ...configuration, max_body: 'much' })
  run.child.kill('SIGHUP')
  await until('the bad one is told', () => /autoscaler\.yaml:\d+:\d+ max_body: expected/.test(run.stderr))
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(0)
})

test.concurrent('a second signal, be it another one, ends it at once', async ({ stage }) => {
  const { forge, dispatcher, configuration } = await aConfiguration(stage)
  dispatcher.behave(() => undefined)
  await written(stage, { ...configuration, dispatcher: { url: dispatcher.url, on_shutdown: 'wait' } })
  const run = muster(stage)
  await run.ready()
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  forge.push({})
  await until('the call is in flight', () => dispatcher.calls.length === 1)
  run.child.kill('SIGTERM')
  await until('it is stopping', () => run.stderr.includes('"stopping"'))
  expect(run.child.exitCode).toBeNull()
  run.child.kill('SIGINT')
  expect(await run.ended).toBe(1)
})

test.concurrent('on_shutdown: wait stays until the runners have ended', async ({ stage }) => {
  const { forge, dispatcher, configuration } = await aConfiguration(stage)
  let end = () => {}
  dispatcher.behave((_, answer) => {
    end = () => started(answer, 'blocking-1')
  })
  await written(stage, { ...configuration, dispatcher: { url: dispatcher.url, on_shutdown: 'wait' } })
  const run = muster(stage)
  await run.ready()
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  forge.push({})
  await until('the call is in flight', () => dispatcher.calls.length === 1)
  run.child.kill('SIGTERM')
  await until('it is stopping', () => run.stderr.includes('"stopping"'))
  await stage.clock.sleep(2_000)
  expect(run.child.exitCode).toBeNull()
  end()
  expect(await run.ended).toBe(0)
})

test.concurrent('muster plan --json tells what would be done, and does nothing', async ({ stage }) => {
  const { forge, dispatcher, configuration } = await aConfiguration(stage)
  const [job] = forge.push({}, { labels: ['gpu'] })
  const file = await written(stage, configuration)
  const run = muster(stage, 'plan', '--json', '--config', file)
  expect(await run.ended).toBe(0)
  const { instances }: { instances: object[] } = JSON.parse(run.stdout)
  expect(instances).toEqual([
    expect.objectContaining({
      instance: 'gitea',
      error: null,
      // In whatever order the forge lists them.
      jobs: expect.arrayContaining([
        expect.objectContaining({ id: String(job?.id), verdict: 'dispatching', target: 'linux' }),
        expect.objectContaining({ verdict: 'unmatched', target: null }),
      ]),
      wanted: [{ target: 'linux', count: 1 }],
    }),
  ])
  expect(dispatcher.calls).toEqual([])
  expect(forge.world.ground.hooks.size).toBe(0)
  expect(forge.writes).toEqual([])
})

test.concurrent('muster plan of a forge that is down ends with 1, and says so', async ({ stage }) => {
  const { forge, configuration } = await aConfiguration(stage)
  forge.temper = 'fails'
  const run = muster(stage, 'plan', '--json', '--config', await written(stage, configuration))
  expect(await run.ended).toBe(1)
  expect(JSON.parse(run.stdout).instances[0]).toMatchObject({ error: expect.stringContaining('503') })
})
