import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'vitest'
import { markOf } from '../../src/dispatchers/process/life.ts'
import { muster, written } from '../journeys/muster-process.ts'
import { journey, type Stage } from '../journeys/stage.ts'

const test = journey(1)

async function aConfiguration(stage: Stage, over: object) {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  await written(stage, {
    listen: `127.0.0.1:${stage.port}`,
    admin: { listen: '127.0.0.1:0' },
    dispatcher: { kind: 'process', work_dir: join(stage.folder, 'work') },
    instances: [forge.instance()],
    ...over,
  })
}

/** A runner as an earlier process left it: at work, with an hour to go. */
async function aRunnerAtWork(stage: Stage): Promise<void> {
  const child = spawn('sleep', ['3600'], { detached: true, stdio: 'ignore' })
  stage.onEnd(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  const [runner, starter] = [await markOf(child.pid ?? 0), { pid: 2 ** 22, mark: 'somebody who is gone' }]
  const [startedAt, deadline] = [Date.now(), Date.now() + 3_600_000]
  const record = { version: 1, owner: 'muster', id: 'd1', name: 'muster-d1', starter, runner, startedAt, deadline }
  await mkdir(join(stage.folder, 'work', '.records'), { recursive: true })
  await writeFile(join(stage.folder, 'work', '.records', 'd1.json'), JSON.stringify({ ...record, endedAt: null }))
}

// It told of the taken port, and went on watching the runners until their ttl: no supervisor started it again.
test('a start that fails ends, also while runners of an earlier process are at work', async ({ stage }) => {
  await aRunnerAtWork(stage)
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stage.onEnd(() => new Promise((resolve) => server.close(resolve)))
  await aConfiguration(stage, { listen: `127.0.0.1:${(server.address() as AddressInfo).port}` })
  const run = muster(stage)
  expect(await run.ended).toBe(1)
  expect(run.stderr).toContain('cannot listen')
})

// It was told with a stack, as a defect would be.
test('a user that this system does not know is told in one line', async ({ stage }) => {
  await aConfiguration(stage, { dispatcher: { kind: 'process', user: 'nobody-of-that-name' } })
  const run = muster(stage)
  expect(await run.ended).toBe(1)
  expect(run.stderr).toMatch(/^"user: nobody-of-that-name" [^\n]*\n$/)
})
