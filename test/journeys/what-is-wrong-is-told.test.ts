import { expect } from 'vitest'
import { muster, written } from './muster-process.ts'
import { journey, type Stage } from './stage.ts'

const test = journey(1)

interface Checked {
  ok: boolean
  checked: { kind: string; name: string | null; findings: { level: string; check: string; fix: string | null }[] }[]
}

async function aConfiguration(stage: Stage, over: object = {}) {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const instance = { ...forge.instance(), webhook: undefined, webhook_secret: undefined, ...over }
  await written(stage, {
    listen: `127.0.0.1:${stage.port}`,
    admin: { listen: '127.0.0.1:1' },
    state: `sqlite:${stage.folder}/muster.db`,
    dispatcher: { url: dispatcher.url },
    instances: [instance],
  })
  return { forge, dispatcher }
}

async function check(stage: Stage): Promise<{ code: unknown; told: Checked; problems: string[] }> {
  const run = muster(stage, 'check', '--json')
  const code = await run.ended
  const told: Checked = JSON.parse(run.stdout)
  expect(stage.canaries.in(run.stdout + run.stderr)).toEqual([])
  const problems = told.checked.flatMap(({ findings }) => findings.filter(({ level }) => level === 'problem'))
  for (const { fix } of problems) expect(fix).toEqual(expect.any(String))
  return { code, told, problems: problems.map((one) => one.check) }
}

test.concurrent('a set-up that works is checked without a problem, and ends with 0', async ({ stage }) => {
  await aConfiguration(stage)
  const { code, told, problems } = await check(stage)
  expect(problems).toEqual([])
  expect(code).toBe(0)
  expect(told.ok).toBe(true)
  expect(told.checked.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'configuration null',
    expect.stringMatching(/^instance /),
    'dispatcher default',
  ])
})

test.concurrent('a token that the forge does not know is a problem, and ends with 1', async ({ stage }) => {
  const { forge } = await aConfiguration(stage)
  const { gitea } = forge.instance() as { gitea: object }
  await aConfiguration(stage, { gitea: { ...gitea, token: stage.canaries.add('a-token-that-nobody-knows') } })
  const { code, problems } = await check(stage)
  expect(problems).toContain('token')
  expect(code).toBe(1)
})

test.concurrent('a forge and a dispatcher that nobody answers for are problems, each with its fix', async ({
  stage,
}) => {
  const { forge, dispatcher } = await aConfiguration(stage)
  await Promise.all([forge.close(), dispatcher.close()])
  const { code, problems } = await check(stage)
  expect(problems).toContain('forge_reachable')
  expect(problems).toContain('dispatcher_reachable')
  expect(code).toBe(1)
})

test.concurrent('for people each finding is a line, and each problem is followed by its fix', async ({ stage }) => {
  const { dispatcher } = await aConfiguration(stage)
  await dispatcher.close()
  const run = muster(stage, 'check')
  expect(await run.ended).toBe(1)
  expect(run.stdout).toMatch(/^ {2}PROBLEM {2}dispatcher_reachable: .*\n +→ /m)
  expect(run.stdout).toMatch(/1 problem and \d+ warnings?: some jobs would get no runner\n$/)
})
