import { spawn } from 'node:child_process'
import { execPath } from 'node:process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { createLog } from '../../src/log.ts'
import { Scrubber } from '../../src/secret.ts'
import { written } from '../journeys/muster-process.ts'
import { journey } from '../journeys/stage.ts'

const test = journey()

const program = fileURLToPath(new URL('../../bin/muster.js', import.meta.url))

// It ended with 1 and the stack of pino, and an empty one, as a compose file makes it, did the same.
test('a MUSTER_LOG_LEVEL that there is not ends it with 64, and names those that there are', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  await written(stage, { state: `sqlite:${stage.folder}/muster.db`, instances: [forge.instance()] })
  const env = { PATH: process.env.PATH, MUSTER_LOG_LEVEL: 'verbose' }
  const child = spawn(execPath, [program], { cwd: stage.folder, env, stdio: ['ignore', 'ignore', 'pipe'] })
  stage.onEnd(() => child.kill('SIGKILL'))
  const ended = new Promise((resolve) => child.once('exit', resolve))
  expect(await text(child.stderr)).toMatch(/^MUSTER_LOG_LEVEL: expected trace, debug, info, .*, found "verbose"\n$/)
  expect(await ended).toBe(64)
})

test('an empty one means the usual one', () => {
  expect(createLog({ scrubber: new Scrubber(), level: '' }).level).toBe('info')
})
