import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type App, startApp } from '../src/app.ts'
import { loadConfig } from '../src/config/load.ts'
import { secret } from './deliveries.ts'

/** A configuration in a folder of its own, with a forge that lists nothing and a dispatcher that accepts at once. */
export async function openPlace(onDispatch: (job: string | undefined) => void = () => undefined) {
  const forge = await listen((request) =>
    request.url?.includes('runners') ? { runners: [], total_count: 0 } : { jobs: [], total_count: 0 },
  )
  const dispatcher = await listen((request) => {
    onDispatch(request.headers['x-muster-job'] as string | undefined)
    return { runners: [{ name: 'bench' }] }
  })
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'))
  const file = join(folder, 'autoscaler.yaml')
  const instance = {
    name: 'bench',
    gitea: { base_url: `http://127.0.0.1:${forge.port}`, token: 'a token' },
    scope: { level: 'repository', owner: 'acme', name: 'widgets' },
    disable_polling: true,
    webhook_secret: secret,
    targets: [{ labels: ['linux'], max: 10_000 }],
  }
  const config = {
    listen: '127.0.0.1:0',
    admin: { listen: '127.0.0.1:0' },
    state: `sqlite:${join(folder, 'muster.db')}`,
    dispatcher: { url: `http://127.0.0.1:${dispatcher.port}` },
    instances: [instance],
  }
  writeFileSync(file, stringify(config))
  return {
    file,
    state: join(folder, 'muster.db'),
    close() {
      forge.close()
      dispatcher.close()
      rmSync(folder, { recursive: true })
    },
  }
}

/** Muster in this process, at such a place. */
export async function startService({
  onDispatch,
  prepare = () => undefined,
}: {
  onDispatch?: (job: string | undefined) => void
  /** Is given the state's file before the service opens it. */
  prepare?: (file: string) => Promise<void> | undefined
} = {}) {
  const place = await openPlace(onDispatch)
  await prepare(place.state)
  const app: App = await startApp(loadConfig(place.file), { logLevel: 'silent' })
  return {
    app,
    async stop() {
      await app.stop()
      place.close()
    },
  }
}

async function listen(answer: (request: IncomingMessage) => object) {
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => response.setHeader('content-type', 'application/json').end(JSON.stringify(answer(request))))
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return { port: (server.address() as AddressInfo).port, close: () => server.close() }
}
