import { expect } from 'vitest'
import { journey } from '../journeys/stage.ts'
import { until } from '../journeys/until.ts'

const test = journey()

// The state was read before the look that changes it: the first turn thought that nobody had looked yet, and kept no runner warm.
test('the turn after the first look keeps min_idle', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  await stage.start({
    dispatcher: { url: dispatcher.url },
    instances: [
      {
        ...forge.instance({ targets: [{ name: 'linux', labels: ['linux'], min_idle: 2 }] }),
        webhook: undefined,
        webhook_secret: undefined,
        poll_interval: '1h',
        reconcile_interval: '1h',
      },
    ],
  })
  await until('two runners are asked for', () => dispatcher.calls.length === 2)
  expect(dispatcher.calls).toHaveLength(2)
})
