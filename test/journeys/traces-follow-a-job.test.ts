import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect } from 'vitest'
import { journey, type Stage } from './stage.ts'
import { until } from './until.ts'

const test = journey()

interface Span {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: { key: string; value: Record<string, unknown> }[]
}

/** A collector of OpenTelemetry that keeps what it gets, as the protocol has it (JSON over HTTP). */
async function aCollector(stage: Stage): Promise<{ url: string; spans: Span[] }> {
  const spans: Span[] = []
  const server = createServer(async (request, answer) => {
    const { resourceSpans } = JSON.parse(await text(request)) as {
      resourceSpans: { scopeSpans: { spans: Span[] }[] }[]
    }
    spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans).flatMap((scope) => scope.spans))
    answer.writeHead(request.url === '/v1/traces' ? 200 : 404, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stage.onEnd(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans }
}

async function aJobThatRan(stage: Stage, env: NodeJS.ProcessEnv) {
  const forge = await stage.forge({ kind: 'gitea', version: '1.27' })
  const cloud = await stage.cloud(forge)
  const instance = forge.instance({ targets: [{ name: 'linux', labels: ['linux'] }] })
  const service = await stage.start({ dispatcher: { url: cloud.url }, instances: [instance] }, env)
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  const [job] = forge.push({ seconds: 5 })
  await until('the job has run', () => job?.conclusion === 'success')
  await service.look('gitea')
  return { service, job }
}

test.concurrent('the way of a job is one tree of spans, from its delivery to its runner', async ({ stage }) => {
  const { url, spans } = await aCollector(stage)
  const { service, job } = await aJobThatRan(stage, { OTEL_EXPORTER_OTLP_ENDPOINT: url })
  await service.stop()

  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const [root] = spans.filter(({ parentSpanId }) => !parentSpanId)
  expect(paths(spans).sort()).toEqual([
    'job',
    'job/delivery',
    'job/dispatch',
    'job/dispatch/boot',
    'job/dispatch/launch',
    'job/dispatch/prepare',
  ])
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
  for (const span of spans) {
    const parent = byId.get(span.parentSpanId ?? '')
    if (!parent) continue
    expect(BigInt(span.startTimeUnixNano) >= BigInt(parent.startTimeUnixNano)).toBe(true)
    expect(BigInt(span.endTimeUnixNano) <= BigInt(parent.endTimeUnixNano)).toBe(true)
  }
  const about = new Map(root?.attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
  expect(about.get('muster.job')).toBe(String(job?.id))
  expect(about.get('muster.repository')).toBe('harbour/lighthouse')

  function paths(all: readonly Span[]): string[] {
    return all.map((span) => {
      const parent = byId.get(span.parentSpanId ?? '')
      return parent ? `${paths([parent])}/${span.name}` : span.name
    })
  }
})

test.concurrent('without a collector in the environment nobody is told anything', async ({ stage }) => {
  const { url, spans } = await aCollector(stage)
  const { service } = await aJobThatRan(stage, { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SDK_DISABLED: 'true' })
  await service.stop()
  expect(spans).toEqual([])
})

test.concurrent('a collector that is away disturbs nothing, and the service ends all the same', async ({ stage }) => {
  const { service } = await aJobThatRan(stage, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:9/v1/traces' })
  await service.stop()
  expect(service.log.join('')).not.toContain('"level":50')
})
