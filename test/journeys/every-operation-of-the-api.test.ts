import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type OpenApiDocument, readOpenApi } from '../support/openapi.ts'
import type { RunningService } from '../support/service.ts'
import { journey, type Stage } from './stage.ts'
import { until } from './until.ts'

const test = journey(20)

interface Call {
  /** Below the admin listener. */
  path: string
  /** Sent as JSON, with the token of the dispatcher API. */
  body?: object
  stream?: boolean
  /** What stands in the configuration file besides by then. */
  more?: string
  /** 200 and 202 are good; anything else has to be said. */
  status?: number
}

/** What has to be there for the calls below. */
interface Ground {
  job: string
  /** A job whose start broke off. */
  doubtful: string
  dispatch: string
  request: string
}

/** Each operation of the document, called well and badly, in this order. One without a line here fails the test. */
function calls({ job, doubtful, dispatch, request }: Ground): Record<string, [good: Call, bad: Call, ...more: Call[]]> {
  const api = '/api/v1'
  const list = (path: string): [Call, Call] => [
    { path: `${api}/${path}?instance=gitea` },
    { path: `${api}/${path}?limit=0`, status: 400 },
  ]
  const action = (path: string): [Call, Call] => [
    { path: `${api}/instances/gitea/${path}` },
    { path: `${api}/instances/nobody/${path}`, status: 404 },
  ]
  return {
    'GET /api/v1/instances': [{ path: `${api}/instances` }, { path: `${api}/instances?cursor=x`, status: 400 }],
    'GET /api/v1/instances/{name}': [{ path: `${api}/instances/gitea` }, { path: `${api}/instances/x`, status: 404 }],
    'POST /api/v1/instances/{name}/pause': action('pause'),
    'POST /api/v1/instances/{name}/look': action('look'),
    'GET /api/v1/targets': list('targets'),
    'GET /api/v1/dispatchers': [{ path: `${api}/dispatchers` }, { path: `${api}/dispatchers?limit=x`, status: 400 }],
    'GET /api/v1/jobs': list('jobs'),
    'GET /api/v1/jobs/{instance}/{id}': [
      { path: `${api}/jobs/gitea/${job}` },
      { path: `${api}/jobs/gitea/0`, status: 404 },
      { path: `${api}/jobs/gitea/${job}?round=x`, status: 400 },
    ],
    'GET /api/v1/history': [{ path: `${api}/history` }, { path: `${api}/history?hours=0`, status: 400 }],
    'GET /api/v1/runners': list('runners'),
    'GET /api/v1/dispatches': list('dispatches'),
    'POST /api/v1/dispatches/{id}/release': [
      { path: `${api}/dispatches/${dispatch}/release` },
      { path: `${api}/dispatches/${dispatch}/release`, status: 409 },
      { path: `${api}/dispatches/nobody/release`, status: 404 },
    ],
    'GET /api/v1/requests': list('requests'),
    'POST /api/v1/requests/{id}/cancel': [
      { path: `${api}/requests/${request}/cancel` },
      { path: `${api}/requests/${request}/cancel`, status: 404 },
    ],
    'GET /api/v1/events': [
      { path: `${api}/events?instance=gitea` },
      { path: `${api}/events?type=nothing`, status: 400 },
      { path: `${api}/events?after=0`, stream: true },
      { path: `${api}/events?cursor=x`, stream: true, status: 400 },
    ],
    'POST /api/v1/dispatch': [
      { path: `${api}/dispatch`, body: { labels: ['linux'] } },
      { path: `${api}/dispatch`, body: { count: 0 }, status: 400 },
      { path: `${api}/dispatch`, status: 401 },
    ],
    'POST /instances/{name}/api/v1/dispatch': [
      { path: `/instances/gitea${api}/dispatch`, body: { labels: ['linux'] } },
      { path: `/instances/nobody${api}/dispatch`, body: { labels: ['linux'] }, status: 404 },
    ],
    'POST /api/v1/reload': [{ path: `${api}/reload` }, { path: `${api}/reload`, more: 'nonsense: 1', status: 422 }],
    // What waits begins, and can be retried.
    'POST /api/v1/instances/{name}/resume': action('resume'),
    'POST /api/v1/jobs/{instance}/{id}/retry': [
      { path: `${api}/jobs/gitea/${doubtful}/retry` },
      { path: `${api}/jobs/gitea/${job}/retry`, status: 409 },
      { path: `${api}/jobs/gitea/0/retry`, status: 404 },
    ],
  }
}

/** A service that has served jobs, has some waiting, and is asked for runners by others. */
async function aBusyService(stage: Stage): Promise<{ service: RunningService; ground: Ground; token: string }> {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const breaking = await stage.dispatcher()
  breaking.behave((_, __, request) => void request.socket.destroy())
  const token = stage.canaries.add('canary-of-the-callers-token')
  const schedule = [{ cron: '* 8-18 * * *', timezone: 'Europe/Berlin', min_idle: 0 }]
  const service = await stage.start({
    dispatchers: { default: { url: dispatcher.url, max_parallel: 2 }, breaking: { url: breaking.url } },
    dispatcher_api: { enabled: true, token },
    instances: [
      forge.instance({
        targets: [
          { name: 'linux', labels: ['linux'], schedule },
          { name: 'doubtful', labels: ['doubtful'], dispatcher: 'breaking' },
        ],
      }),
    ],
  })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  const [done] = forge.push({}, { name: 'waits' }, { labels: ['nobody'] }, { needs: ['waits'] })
  await until('runners are asked for', () => dispatcher.calls.length === 2)
  const [doubtful] = forge.push({ labels: ['doubtful'] })
  await until('a start breaks off', async () => (await service.list('dispatches?state=unknown')).length === 1)
  const taken = forge.take(forge.runner('cloud-1'))
  if (taken) forge.finish(taken)
  await until('the first is over', async () => (await service.job('gitea', done?.id ?? 0)).state === 'finished')
  await service.look('gitea')
  await until('a moment is kept', async () => (await service.get('history')).json.items.length > 0)
  await service.post('instances/gitea/pause')
  await ask(service, 'POST', { path: '/api/v1/dispatch', body: { labels: ['linux'], count: 2 } }, token)
  const live = await service.list('dispatches?live=true&dispatcher=default')
  const [request] = await service.list('requests')
  const ground = {
    ...{ job: String(done?.id), doubtful: String(doubtful?.id) },
    ...{ dispatch: String(live.at(-1)?.id), request: String(request?.id) },
  }
  return { service, ground, token }
}

async function ask(service: RunningService, method: string, { path, body, stream }: Call, token: string) {
  const headers: Record<string, string> = { accept: stream ? 'text/event-stream' : 'application/json' }
  if (body) Object.assign(headers, { authorization: `Bearer ${token}`, 'content-type': 'application/json' })
  const answer = await fetch(service.adminUrl + path, { method, headers, body: body && JSON.stringify(body) })
  const type = answer.headers.get('content-type') ?? ''
  return { status: answer.status, type, body: type.includes('json') ? await answer.json() : await beginning(answer) }
}

/** What came of a stream when its first event had. */
async function beginning(answer: Response): Promise<string> {
  let text = ''
  for await (const chunk of answer.body ?? []) {
    text += Buffer.from(chunk).toString()
    if (text.includes('\ndata: ')) break
  }
  return text
}

test('every operation of the API answers as its document says, when all is well and when it is not', async ({
  stage,
}) => {
  const { service, ground, token } = await aBusyService(stage)
  const configuration = await readFile(join(stage.folder, 'autoscaler.yaml'), 'utf8')
  const document = (await service.get('openapi.json')).json as OpenApiDocument
  const { operations, differences } = readOpenApi(document)
  const known = calls(ground)
  expect(operations.map(({ name }) => name).sort()).toEqual(Object.keys(known).sort())

  const said: string[] = []
  for (const [name, made] of Object.entries(known)) {
    const operation = operations.find((one) => one.name === name)!
    for (const call of made) {
      if (call.more !== undefined) await service.rewrite(`${configuration}\n${call.more}\n`)
      const { status, type, body } = await ask(service, operation.method, call, token)
      const wanted = call.status === undefined ? [200, 202] : [call.status]
      const wrong = differences(operation, status, type, body)
      if (!wanted.includes(status)) wrong.push(`answers ${status}: ${JSON.stringify(body)}`)
      if (isEmptyList(body)) wrong.push('lists nothing, so nothing was compared')
      said.push(...wrong.map((what) => `${operation.method} ${call.path}: ${what}`))
    }
  }
  expect(said).toEqual([])
})

function isEmptyList(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'items' in body && JSON.stringify(body.items) === '[]'
}
