import { createHmac } from 'node:crypto'
import { expect } from 'vitest'
import { aJobEvent, deliver } from '../journeys/hand-made-delivery.ts'
import { journey } from '../journeys/stage.ts'

const test = journey()

// Gitea and Forgejo sign the JSON, not the form that they put it into: such a delivery never gets as far as the hint of the 400.
test('a form that is signed as Gitea signs forms is told of content_type: json, too', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const service = await stage.start({ instances: [forge.instance({ webhook: undefined })] })
  const json = JSON.stringify(aJobEvent())
  const answer = await deliver(`${service.publicUrl}/webhook/gitea`, {
    kind: 'gitea',
    event: 'workflow_job',
    payload: new URLSearchParams({ payload: json }).toString(),
    secret: forge.secret,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-hub-signature-256': `sha256=${createHmac('sha256', forge.secret).update(json).digest('hex')}`,
    },
  })
  expect(answer).toMatchObject({ status: 401, json: { detail: expect.stringContaining('content_type: json') } })
})
