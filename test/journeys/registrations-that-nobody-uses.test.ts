import { join } from 'node:path'
import { expect } from 'vitest'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { muster, written } from './muster-process.ts'
import { forges, journey, type Stage } from './stage.ts'
import type { StagedForge } from './staged-forge.ts'
import { until } from './until.ts'

const test = journey(30)
const atEase = journey(1)

/** Registered under this name, and never brought up. */
function register(forge: StagedForge, name: string): void {
  forge.world.runners.register({ scope: forge.scope, name, labels: ['linux'], ephemeral: true })
}

const names = (forge: StagedForge) => forge.runners.map(({ name }) => name).sort()

function configuration(stage: Stage, forge: StagedForge) {
  const dispatcher = { kind: 'process', command: ['/nowhere/runner'], work_dir: join(stage.folder, 'work') }
  return { dispatcher, instances: [forge.instance()] }
}

test.concurrent.for(forges)(
  'those of starts that failed are removed from $kind by themselves, and no others',
  async (version, { stage }) => {
    const forge = await stage.forge(version)
    const strangers = ['another-1', `muster-${'0'.repeat(16)}`, 'muster-of-somebody']
    for (const name of strangers) register(forge, name)
    const service = await stage.start(configuration(stage, forge))
    const [job] = forge.push({})
    await until('a start failed', async () => (await service.dispatches()).some(({ state }) => state === 'refused'))
    expect(names(forge).length).toBeGreaterThan(strangers.length)
    if (job) forge.world.jobs.cancel(job.id)
    await until('what is left of them is removed', () => forge.runners.length === strangers.length)
    expect(names(forge)).toEqual(strangers.sort())
  },
)

atEase.concurrent('muster clean lists our own alone, and removes them only when it is told to', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const ours = `muster-${'0123456789abcdef'}`
  const strangers = ['another-1', 'muster-of-somebody', `muster-of-${'0123456789abcdef'}`]
  for (const name of [ours, ...strangers]) register(forge, name)
  await written(stage, {
    state: `sqlite:${stage.folder}/muster.db`,
    admin: { listen: '127.0.0.1:1' },
    ...configuration(stage, forge),
  })
  const unknown = muster(stage, 'clean', '--yes')
  expect(await unknown.ended).toBe(1)
  expect(unknown.stderr).toMatch(/muster\.db is not there/)
  // The service has run here, and ended.
  await (await openSqliteStore({ path: `${stage.folder}/muster.db` })).close()
  const [{ offline }] = await cleaned(stage)
  expect(offline).toMatchObject([{ name: ours, removed: false }])
  expect(names(forge)).toEqual([ours, ...strangers].sort())
  await cleaned(stage, '--yes')
  expect(names(forge)).toEqual(strangers.sort())
})

async function cleaned(stage: Stage, ...args: string[]) {
  const run = muster(stage, 'clean', '--json', ...args)
  expect(await run.ended).toBe(0)
  return JSON.parse(run.stdout).instances
}
