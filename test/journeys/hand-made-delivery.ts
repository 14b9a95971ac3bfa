import { createHmac, randomUUID } from 'node:crypto'
import { request } from 'node:http'
import type { ForgeVersion } from '../../src/simulation/versions.ts'

/** A webhook request that a test makes itself, because no forge would. */
export interface HandMade {
  kind: ForgeVersion['kind']
  event: string
  /** As it is when it is text, else JSON. */
  payload: object | string
  secret: string
  id?: string
  headers?: Record<string, string>
}

let made = 0

/** A `workflow_job` event of a queued job in the words that Gitea and GitHub share; its id is a fresh one unless it is given. */
export function aJobEvent({
  repository = 'harbour/lighthouse',
  action = 'queued',
  ...job
}: Record<string, unknown> = {}) {
  const id = 9_000_000_001 + made++
  return {
    action,
    workflow_job: { id, run_id: id, name: 'build', labels: ['self-hosted', 'linux'], status: action, ...job },
    repository: { id: 7, full_name: repository },
  }
}

/** Posts it, signed; answers the status, the headers and the JSON. */
export async function deliver(url: string, { kind, event, payload, secret, id = randomUUID(), headers }: HandMade) {
  const body = typeof payload === 'string' ? payload : JSON.stringify(payload)
  const brand = { forgejo: 'forgejo', gitea: 'gitea', github: 'github' }[kind]
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      [`x-${brand}-event`]: event,
      [`x-${brand}-delivery`]: id,
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      ...headers,
    },
    body,
  })
  const text = await answer.text()
  const json: unknown = text === '' ? null : JSON.parse(text)
  return { status: answer.status, headers: answer.headers, json }
}

/** A delivery that has begun: its headers are read, its body is sent by `finish`, which resolves with the status. */
export async function aBegunDelivery(url: string, secret: string, body: string) {
  const call = request(url, {
    method: 'POST',
    headers: {
      expect: '100-continue',
      'content-length': String(Buffer.byteLength(body)),
      'x-gitea-event': 'workflow_job',
      'x-gitea-delivery': randomUUID(),
      'x-gitea-signature': createHmac('sha256', secret).update(body).digest('hex'),
    },
  })
  const status = new Promise<number | undefined>((resolve, reject) => {
    call.once('error', reject).once('response', (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
  })
  call.flushHeaders()
  await new Promise((resolve) => call.once('continue', resolve))
  return (): Promise<number | undefined> => {
    call.end(body)
    return status
  }
}
