import { spawn } from 'node:child_process'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { written } from '../journeys/muster-process.ts'
import { journey } from '../journeys/stage.ts'

const test = journey(1)

const program = fileURLToPath(new URL('../../bin/muster.js', import.meta.url))

/** Makes a process send itself a signal as soon as it listens, in the midst of its start. */
function impatient(signal: NodeJS.Signals): string {
  const code = `
    import { Server } from 'node:net'
    const { listen } = Server.prototype
    Server.prototype.listen = function (...args) {
      Server.prototype.listen = listen
      this.once('listening', () => process.kill(process.pid, '${signal}'))
      return listen.apply(this, args)
    }`
  return `data:text/javascript,${encodeURIComponent(code)}`
}

// It was heard only once everything ran, so whoever stopped it earlier saw a process that was killed.
test.for(['SIGTERM', 'SIGINT'] as const)('%s during the start ends it with 0', async (signal, { stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  await written(stage, {
    listen: '127.0.0.1:0',
    admin: { listen: '127.0.0.1:0' },
    state: `sqlite:${stage.folder}/muster.db`,
    instances: [forge.instance()],
  })
  const child = spawn(execPath, ['--import', impatient(signal), program], { cwd: stage.folder, stdio: 'ignore' })
  stage.onEnd(() => child.kill('SIGKILL'))
  const ended = await new Promise((resolve) => child.once('exit', (code, killedBy) => resolve(code ?? killedBy)))
  expect(ended).toBe(0)
})
