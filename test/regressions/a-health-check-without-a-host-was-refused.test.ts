import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect } from 'vitest'
import { journey } from '../journeys/stage.ts'

const test = journey()

function ask(port: number, path: string): Promise<string> {
  return text(connect({ port, host: '127.0.0.1' }).end(`GET ${path} HTTP/1.0\r\n\r\n`))
}

// A balancer that asks in HTTP/1.0, as HAProxy does by itself, got a 400 and took the service for dead.
test('a request without a Host gets its answer on the public listener, and none on the admin one', async ({
  stage,
}) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const { app } = await stage.start({ instances: [forge.instance()] })
  expect(await ask(app.publicPort, '/healthz')).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\nok$/)
  expect(await ask(app.adminPort, '/api/v1/jobs')).toMatch(/^HTTP\/1\.1 403 /)
})
