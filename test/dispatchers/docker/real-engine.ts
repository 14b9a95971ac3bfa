import { execFileSync } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { env } from 'node:process'
import { text } from 'node:stream/consumers'
import Docker from 'dockerode'
import type { Dispatcher } from '../../../src/dispatchers/dispatcher.ts'
import { usualSockets } from '../../../src/dispatchers/docker/address.ts'
import { docker as dockerKind } from '../../../src/dispatchers/docker/dispatcher.ts'
import type { DockerOptions } from '../../../src/dispatchers/docker/options.ts'
import { randomId } from '../../../src/ids.ts'
import { quickClock } from '../../support/quick-clock.ts'
import type { Place } from '../contract.ts'
import { someOptions } from './options.ts'

/** Sockets at which a real engine answers: those that are named by $MUSTER_TEST_DOCKER_SOCKET (several joined by ":"), else the usual ones. */
export async function realEngines(): Promise<string[]> {
  const named = (env.MUSTER_TEST_DOCKER_SOCKET ?? '').split(delimiter).filter((path) => path !== '')
  if (busybox === undefined) return []
  const candidates = named.length > 0 ? named : usualSockets(env).filter(usable)
  const answered = await Promise.all(candidates.map(answers))
  return candidates.filter((_, index) => answered[index])
}

export interface RealPlace extends Place {
  docker: Docker
  notes: string[]
  image: string
  dispatcher(owner?: string, options?: Partial<DockerOptions>): Dispatcher
  /** The container of a dispatch of the owner `muster`. */
  container(id: string): Docker.Container
}

/** Stands in for a runner. */
export const standIn = `#!/bin/sh
# Plays its part, and waits for a signal.
echo "user $(id -u) sees: $(ls -l /muster 2>&1 | grep -c start.sh)"
echo "arguments: $*"
[ "\${STAND_IN_PART:-}" = fail ] && { echo "cannot join with $(cat "$MUSTER_HOME/token")" >&2; exit 7; }
[ "\${STAND_IN_PART:-}" = finish ] && exit 0
trap 'exit 0' TERM
sleep 3600 &
wait
`

/** The program that images are made of; undefined where this machine has none. */
export const busybox = (env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'busybox'))
  .find(usable)

/** Makes an image of busybox and a stand-in for the runner on that engine, with a line of a Containerfile and `more` in its root; its name. */
export async function realImage(socket: string, changes: string, more?: (root: string) => void): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'muster-image-'))
  try {
    chmodSync(root, 0o755)
    for (const folder of ['bin', 'etc', 'tmp']) mkdirSync(join(root, folder))
    chmodSync(join(root, 'tmp'), 0o1777)
    copyFileSync(busybox ?? '', join(root, 'bin/busybox'))
    for (const applet of ['sh', 'sleep', 'cat', 'ls', 'id', 'mkdir', 'rm', 'grep', 'sed'])
      symlinkSync('busybox', join(root, 'bin', applet))
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nrunner:x:1000:1000::/tmp:/bin/sh\n')
    writeFileSync(join(root, 'bin/forgejo-runner'), standIn, { mode: 0o755 })
    writeFileSync(join(root, 'bin/dockerd'), '#!/bin/sh\nexec sleep 3600\n', { mode: 0o755 })
    more?.(root)
    const archive = `${root}.tar`
    execFileSync('tar', ['-C', root, '-cf', archive, '.'])
    // Podman 4 takes no tag here.
    const repo = `localhost/muster-test-${randomId()}`
    await text(await realClient(socket).importImage(archive, { repo, changes }))
    rmSync(archive)
    return `${repo}:latest`
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** A real engine with an image of ours. Its owners are named apart from those of other tests. */
export async function realPlace(socket: string, image: string): Promise<RealPlace> {
  const docker = realClient(socket)
  const apart = `-${randomId()}`
  const since = Math.floor(Date.now() / 1_000) - 1
  const notes: string[] = []
  const clock = quickClock(1)
  const owned = (owner: string) => `${owner}${apart}`
  const rows = async () =>
    (await docker.listContainers({ all: true })).filter(({ Labels }) => Labels?.['io.muster.owner']?.endsWith(apart))
  const dispatchOf = (labels: Record<string, string>) => labels['io.muster.dispatch'] ?? ''

  return {
    docker,
    notes,
    image,
    shortTtl: 2_000,
    dispatcher: (owner = 'muster', options = {}) =>
      dockerKind.create(someOptions(socket, { image, networks: ['none'], ...options }), {
        name: 'here',
        owner: owned(owner),
        clock,
        note: (sentence) => notes.push(sentence),
      }),
    container: (id) => docker.getContainer(`${owned('muster')}-${id}`),
    async started() {
      const until = Math.floor(Date.now() / 1_000) + 1
      const filters = { type: ['container' as const], event: ['start'] }
      const told = await text(await docker.getEvents({ since, until, filters }))
      const starts = told
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line).Actor.Attributes)
      return starts.filter((labels) => labels['io.muster.owner']?.endsWith(apart)).map(dispatchOf)
    },
    living: async () =>
      (await rows()).filter(({ State }) => State === 'running').map(({ Labels }) => dispatchOf(Labels)),
    async onlooker() {
      const all = await rows()
      const seen = all.map(({ Id }) => docker.getContainer(Id).inspect())
      return JSON.stringify([all, await Promise.all(seen), notes])
    },
    async close() {
      for (const { Id } of await rows())
        await docker
          .getContainer(Id)
          .remove({ force: true, v: true })
          .catch(() => undefined)
    },
  }
}

export function realClient(socketPath: string): Docker {
  return new Docker({ socketPath, host: undefined, port: undefined, protocol: 'http', timeout: 60_000 })
}

/** False where the engine itself lacks a capability, as in some virtual machines. */
export async function canBePrivileged(socket: string, image: string): Promise<boolean> {
  const HostConfig = { Privileged: true, NetworkMode: 'none' }
  const container = await realClient(socket).createContainer({
    Image: image,
    Cmd: ['/bin/sh', '-c', 'exit 0'],
    HostConfig,
  })
  return container
    .start()
    .then(
      () => true,
      () => false,
    )
    .finally(() => container.remove({ force: true }))
}

async function answers(socketPath: string): Promise<boolean> {
  return realClient(socketPath)
    .ping()
    .then(
      () => true,
      () => false,
    )
}

function usable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}
