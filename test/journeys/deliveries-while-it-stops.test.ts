import { expect } from 'vitest'
import { aBegunDelivery, aJobEvent } from './hand-made-delivery.ts'
import { journey } from './stage.ts'

const test = journey(1)

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
