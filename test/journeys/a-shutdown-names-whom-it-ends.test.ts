import { expect } from 'vitest'
import { journey } from './stage.ts'
import { jobLabels } from './staged-forge.ts'
import { until } from './until.ts'

const test = journey()

test('the runners that end with the call of a blocking dispatcher are named at shutdown', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  dispatcher.behave(() => undefined)
  const service = await stage.start({
    dispatcher: { url: dispatcher.url, timeout: '2s' },
    instances: [forge.instance()],
  })
  forge.push({ labels: jobLabels('gitea') })
  await until('its call is old', () => service.log.some((line) => line.includes('the call is kept open')))
  const [dispatch] = await service.dispatches()
  await service.stop()
  const told = service.log.filter((line) => line.includes('may end with their call'))
  expect(told).toHaveLength(1)
  expect(told[0]).toContain(dispatch?.id)
})
