import { createHmac } from 'node:crypto'
import { Agent, request } from 'node:http'

export const secret = 'a secret of the bench, long enough'

let made = 0

/** A queued job as Gitea announces it, of the usual size. */
export function aQueuedJob(): { id: number; body: string } {
  const id = 1_000_000 + ++made
  const job = {
    id,
    run_id: id,
    name: 'build',
    labels: ['linux'],
    status: 'queued',
    run_attempt: 1,
    steps: Array.from({ length: 40 }, (_, number) => ({
      name: `step ${number}`,
      number,
      status: 'queued',
      conclusion: null,
    })),
  }
  const repository = { id: 1, name: 'widgets', full_name: 'acme/widgets', owner: { login: 'acme' } }
  return { id, body: JSON.stringify({ action: 'queued', workflow_job: job, repository, sender: { login: 'robin' } }) }
}

export function headersOf(body: string, id: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    'x-gitea-event': 'workflow_job',
    'x-gitea-delivery': id,
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  }
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

/** Posts and answers the status and how long the answer took, milliseconds. */
export function post(
  port: number,
  path: string,
  body: string,
  headers: Record<string, string>,
): Promise<{ status: number; took: number }> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: 'POST',
        agent,
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      },
      (answer) => {
        answer.resume()
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, took: performance.now() - began }))
      },
    )
    call.on('error', reject)
    call.end(body)
  })
}
