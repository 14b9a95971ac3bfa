import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import { signed } from '../../src/simulation/http/deliver.ts'
import { deliver } from './hand-made-delivery.ts'
import { forges, journey, type Stage } from './stage.ts'
import { until } from './until.ts'

const test = journey()

/** A listener that nobody has a reason to call. */
async function aTrap(stage: Stage) {
  const hits: string[] = []
  const server = createServer(({ method, url }, answer) => {
    hits.push(`${method} ${url}`)
    answer.end('{}')
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  stage.onEnd(() => server.close())
  return { hits, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** The same payload with every address in it leading elsewhere, and with more of them besides. */
function leadingTo(trap: string, value: unknown): unknown {
  if (typeof value === 'string') return /^https?:\/\//.test(value) ? `${trap}/in-the-payload` : value
  if (Array.isArray(value)) return value.map((one) => leadingTo(trap, one))
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).map(([key, one]) => [key, leadingTo(trap, one)])
  const more = ['url', 'html_url', 'run_url', 'jobs_url', 'hooks_url', 'callback_url'].map((key) => [
    key,
    `${trap}/${key}`,
  ])
  return Object.fromEntries([...more, ...fields])
}

test.concurrent.for(forges)(
  '$kind: no address out of a payload is called, and no label says what a runner is',
  async (version, { stage }) => {
    const trap = await aTrap(stage)
    const forge = await stage.forge(version)
    const dispatcher = await stage.dispatcher()
    const target = {
      name: 'linux',
      labels: ['linux'],
      machine_type: '2x4',
      image: 'registry.example/ours',
      env: { OURS: '1' },
    }
    const service = await stage.start({
      dispatcher: { url: dispatcher.url },
      instances: [forge.instance({ targets: [target] })],
    })
    const hook = await until('the hook is made', () => [...forge.world.ground.hooks.values()][0])
    const [job] = forge.push({
      name: 'image=evil/image',
      labels: version.kind === 'github' ? ['self-hosted', 'linux'] : ['linux'],
    })
    const [delivery] = forge.deliveries(job)
    if (!job || !delivery) throw new Error('the forge says nothing of its job')
    const { headers, body } = signed(forge.world, delivery, hook)
    const payload = leadingTo(trap.url, JSON.parse(body)) as object
    const told = Object.entries(headers).find(([name]) => /-event$/i.test(name))
    expect(
      await deliver(`${service.publicUrl}/webhook/${forge.kind}`, {
        kind: version.kind,
        event: told?.[1] ?? '',
        payload,
        secret: forge.secret,
      }),
    ).toMatchObject({ status: 202 })

    await until('the job has its runner', () => dispatcher.calls.length > 0)
    await service.look(forge.kind)
    const [call] = dispatcher.calls
    expect(call?.body).toMatchObject({
      labels: ['linux'],
      machine_type: '2x4',
      image: 'registry.example/ours',
      env: { OURS: '1' },
    })
    expect(dispatcher.calls).toHaveLength(1)
    expect(trap.hits).toEqual([])
  },
)
