import { createHmac } from 'node:crypto'
import { request } from 'node:http'
import { expect } from 'vitest'
import { aJobEvent } from './hand-made-delivery.ts'
import { journey } from './stage.ts'

const test = journey(1)

/** A delivery that has begun: its headers are read, its body is sent by `finish`, which resolves with the status. */
async function aBegunDelivery(url: string, secret: string, body: string) {
  const call = request(url, {
    method: 'POST',
    headers: {
      expect: '100-continue',
      'content-length': String(Buffer.byteLength(body)),
      'x-gitea-event': 'workflow_job',
      'x-gitea-delivery': 'late',
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

test('a delivery that comes while the service stops is recorded before it is answered', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const instance = forge.instance({ webhook: undefined })
  const service = await stage.start({ instances: [instance] })
  const body = JSON.stringify(aJobEvent())
  const finish = await aBegunDelivery(`${service.publicUrl}/webhook/gitea`, forge.secret, body)
  const stopped = service.stop()
  expect(await finish()).toBe(202)
  await stopped

  const again = await stage.start({ instances: [instance] })
  const { id } = JSON.parse(body).workflow_job
  expect(await again.job('gitea', id)).toMatchObject({ state: 'queued' })
})
