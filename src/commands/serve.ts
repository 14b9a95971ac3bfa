import { startApp } from '../app.ts'
import { loadConfig } from '../config/load.ts'
import type { Command } from './command.ts'
import { endingBySignal, untilAborted } from './ending.ts'

/**
 * `muster serve`: runs until SIGTERM or SIGINT, then ends within 10 s; a second signal ends it at once.
 * With `--rebuild-state` a damaged state is set aside, and it begins with an empty one.
 */
export const serve: Command = async ({ config: file = 'autoscaler.yaml', 'rebuild-state': rebuildState = false }) => {
  // From the first moment: the first process of a container does not even hear a signal that it does not listen for.
  const ending = endingBySignal()
  const load = () => loadConfig(file)
  const app = await startApp(load(), { load, logLevel: process.env.MUSTER_LOG_LEVEL, rebuildState })
  process.on('SIGHUP', () => void app.reload('signal'))
  await untilAborted(ending)
  // It equals a crash for correctness: what is in flight is a row, and the next start takes it up.
  app.log.info({ signal: ending.reason }, 'stopping')
  await app.stop()
  process.exit(0)
}
