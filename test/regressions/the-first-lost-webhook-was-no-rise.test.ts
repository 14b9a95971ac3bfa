import { expect } from 'vitest'
import { journey } from '../journeys/stage.ts'

const test = journey()

// A counter was not there until its first count, and Prometheus takes no series that begins with 1 for a rise: no alert told of the first loss.
test('before anything happens each counter is there, and 0', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const service = await stage.start({ instances: [forge.instance({ targets: [{ labels: ['linux'] }] })] })
  const page = await (await fetch(`${service.adminUrl}/metrics`)).text()
  const lines = page.split('\n')
  const results = ['accepted', 'ignored', 'duplicate', 'unauthorized', 'invalid', 'too_large', 'unavailable']
  const outcomes = ['accepted', 'refused', 'sent', 'unknown']
  expect(lines).toEqual(
    expect.arrayContaining([
      'muster_webhooks_lost_total{instance="gitea"} 0',
      ...results.map((result) => `muster_deliveries_total{instance="gitea",result="${result}"} 0`),
      ...outcomes.map((outcome) => `muster_dispatches_total{instance="gitea",target="linux",outcome="${outcome}"} 0`),
    ]),
  )
})
