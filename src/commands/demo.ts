import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { startApp } from '../app.ts'
import { systemClock } from '../clock.ts'
import { loadConfig } from '../config/load.ts'
import { randomId } from '../ids.ts'
import { startWorld, type World } from '../simulation/world.ts'
import type { Command } from './command.ts'
import { screen } from './demo-screen.ts'
import { endingBySignal } from './ending.ts'

/** With `--exit-when-idle` it ends by itself within a minute, served or not. Milliseconds. */
const longest = 50_000
/** Between two days. Milliseconds. */
const night = 10_000

/** `muster demo`: the whole service on simulated forges that speak real HTTP on the loopback, with stand-in runners. Needs nothing else. */
export const demo: Command = async ({ json = false, 'exit-when-idle': exitWhenIdle = false }) => {
  const ending = endingBySignal()
  const folder = await mkdtemp(join(tmpdir(), 'muster-demo-'))
  const world = await startWorld({ clock: systemClock, ids: randomId, seed: 1 })
  const file = join(folder, 'autoscaler.yaml')
  await writeFile(file, stringify(configuration(world, folder, await freePort())))
  const logFile = createWriteStream(join(folder, 'muster.log'))
  const app = await startApp(loadConfig(file), {
    load: () => loadConfig(file),
    writeLog: (line) => logFile.write(line),
    sampling: 1_000,
  })

  const show = screen({ story: world.story, app, json, folder })
  const patience = exitWhenIdle ? [AbortSignal.timeout(longest)] : []
  const result = await world.story.play(AbortSignal.any([ending, ...patience]))
  const wasEnded = ending.aborted
  show.end(result)
  if (!exitWhenIdle) await playOn(world.story, ending)

  await app.stop()
  await world.close()
  logFile.end()
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
  // A stand-in that a signal ended may still write its last line.
  await rm(folder, { recursive: true, force: true, maxRetries: 10 })
  const isWhole = result.served + result.cancelled === result.jobs && result.runners.left === 0
  return isWhole || wasEnded ? 0 : 1
}

/** The same day again and again, so that the dashboard has something to show. */
async function playOn(story: World['story'], ending: AbortSignal): Promise<void> {
  while (!ending.aborted) {
    await systemClock.sleep(night, ending)
    await story.play(ending)
  }
}

/** The file that a user would write, with beats short enough for a story of a quarter of a minute. */
function configuration(world: World, folder: string, port: number): object {
  return {
    listen: `127.0.0.1:${port}`,
    admin: { listen: '127.0.0.1:0' },
    state: `sqlite:${join(folder, 'muster.db')}`,
    dispatchers: {
      default: { kind: 'process', command: world.runnerCommand, work_dir: join(folder, 'runners') },
    },
    instances: world.forges.map(({ kind, url, token, secret, scope, labels }) => ({
      name: kind,
      [kind]: { base_url: url, token },
      scope,
      poll_interval: '3s',
      reconcile_interval: '4s',
      webhook_grace: '2s',
      webhook_secret: secret,
      webhook: { url: `http://127.0.0.1:${port}/webhook/${kind}` },
      targets: [{ labels, ttl: '2m', boot_timeout: '20s', idle_timeout: '3s', max: 10 }],
    })),
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
