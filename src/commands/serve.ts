import { startApp } from '../app.ts'
import { loadConfig } from '../config/load.ts'
import type { Command } from './command.ts'

/** `muster serve`: runs until SIGTERM or SIGINT, then ends within 10 s; a second signal ends it at once. */
export const serve: Command = async ({ config: file = 'autoscaler.yaml' }) => {
  // Heard from here on: until someone listens, a signal kills.
  const stopping = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve)
  })
  const app = await startApp(loadConfig(file), { logLevel: process.env.MUSTER_LOG_LEVEL })
  process.on('SIGHUP', () => app.log.warn('reload is not supported yet: restart to take a new configuration'))
  const signal = await stopping
  // Both equal a crash for correctness: what is in flight is a row, and the next start takes it up.
  for (const again of ['SIGTERM', 'SIGINT'] as const) process.once(again, () => process.exit(1))
  app.log.info({ signal }, 'stopping')
  await app.stop()
  process.exit(0)
}
