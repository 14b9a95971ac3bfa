import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import { journey } from '../journeys/stage.ts'

const test = journey()

// The public listener stayed open and the state locked: `muster serve` told of the taken port, and did not end.
test('a service that cannot have its admin port gives its public port and its state back', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as AddressInfo
  stage.onEnd(() => taken.close())

  const configuration = { instances: [forge.instance()], admin: { listen: `127.0.0.1:${port}` } }
  await expect(stage.start(configuration)).rejects.toMatchObject({
    name: 'CannotListen',
    message: expect.stringContaining(String(port)),
  })
  const service = await stage.start({ ...configuration, admin: { listen: '127.0.0.1:0' } })
  expect(service.app.publicPort).toBe(stage.port)
})
