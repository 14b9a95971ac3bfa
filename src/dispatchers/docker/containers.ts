import { z } from 'zod'
import type { Creation } from './creation.ts'
import type { Engine } from './engine.ts'
import { statusOf } from './faults.ts'
import { type Mark, markOf, ownerLabel } from './marks.ts'

/** One container, in our words. */
export interface Container {
  name: string
  mark: Mark | null
  /** `unborn`: made and never started. */
  life: 'unborn' | 'living' | 'ended'
}

/** One container, seen more closely. */
export interface InspectedContainer extends Container {
  exitCode: number
  outOfMemory: boolean
  /** Milliseconds from its making to its end, by the engine's clock; 0 where that is not known. */
  age: number
}

/** The calls to an engine that we need. Containers are named, never numbered: names are known before they exist. */
export interface Containers {
  /** All that carry the owner's mark exactly. */
  list(owner: string, signal: AbortSignal): Promise<Container[]>
  /** Null when there is none. */
  find(name: string, signal: AbortSignal): Promise<InspectedContainer | null>
  create(creation: Creation, signal: AbortSignal): Promise<void>
  join(name: string, network: string, signal: AbortSignal): Promise<void>
  unpack(name: string, archive: Buffer, signal: AbortSignal): Promise<void>
  /** Content when it was started before. */
  start(name: string, signal: AbortSignal): Promise<void>
  /** SIGTERM, then SIGKILL. Content when it has ended or is gone. */
  stop(name: string, signal: AbortSignal): Promise<void>
  /** With its nameless volumes. Content when it is gone. Without `force` it succeeds only for one that does not run, and then never will. */
  remove(name: string, how: { force: boolean }, signal: AbortSignal): Promise<void>
  removeVolume(name: string, signal: AbortSignal): Promise<void>
  /** What it printed last; empty when that cannot be had. */
  lastLine(name: string, signal: AbortSignal): Promise<string>
}

/** Milliseconds for one call. */
const bound = 30_000
/** The same for those that may copy or remove the files of a whole image. */
const slowBound = 120_000
/** Seconds from SIGTERM to SIGKILL. */
const grace = 10

export function createContainers(engine: Engine): Containers {
  return {
    async list(owner, signal) {
      const filters = { label: [`${ownerLabel}=${owner}`] }
      const rows = await engine.call(bound, signal, (docker, abortSignal) =>
        docker.listContainers({ all: true, filters, abortSignal }),
      )
      // Podman takes * in a filter for any text, so the mark is compared once more.
      return listed.parse(rows).flatMap((row) => {
        const mark = markOf(row.Labels ?? {})
        const name = (row.Names[0] ?? '').replace(/^\//, '')
        return mark?.owner === owner ? [{ name, mark, life: lifeOf(row.State) }] : []
      })
    },

    async find(name, signal) {
      const told = await engine
        .call(bound, signal, (docker, abortSignal) => docker.getContainer(name).inspect({ abortSignal }))
        .catch(absent)
      if (told === null) return null
      const { Config, State, Created } = inspected.parse(told)
      const age = Date.parse(State.FinishedAt) - Date.parse(Created)
      return {
        name,
        mark: markOf(Config.Labels ?? {}),
        life: lifeOf(State.Status),
        exitCode: State.ExitCode,
        outOfMemory: State.OOMKilled === true,
        age: age > 0 ? age : 0,
      }
    },

    async create({ name, platform, body }, signal) {
      await engine.call(slowBound, signal, (docker, abortSignal) => {
        // Told apart, else docker-modem writes the whole body into the address, too.
        const call = { _query: { name, ...(platform !== null && { platform }) }, _body: body, abortSignal }
        return docker.createContainer(call)
      })
    },

    async join(name, network, signal) {
      await engine.call(bound, signal, (docker) => docker.getNetwork(network).connect({ Container: name }))
    },

    async unpack(name, archive, signal) {
      await engine.call(bound, signal, (docker, abortSignal) =>
        docker.getContainer(name).putArchive(archive, { path: '/', abortSignal }),
      )
    },

    async start(name, signal) {
      await engine
        .call(slowBound, signal, (docker, abortSignal) => docker.getContainer(name).start({ abortSignal }))
        .catch(unless(304))
    },

    async stop(name, signal) {
      await engine
        .call(bound, signal, (docker, abortSignal) => docker.getContainer(name).stop({ t: grace, abortSignal }))
        .catch(unless(304, 404))
    },

    async remove(name, { force }, signal) {
      await engine
        .call(slowBound, signal, (docker) => docker.getContainer(name).remove({ v: true, ...(force && { force }) }))
        .catch(unless(404))
    },

    async removeVolume(name, signal) {
      await engine
        .call(bound, signal, (docker, abortSignal) => docker.getVolume(name).remove({ abortSignal }))
        .catch(unless(404))
    },

    async lastLine(name, signal) {
      const answer = await engine
        .call(bound, signal, (docker, abortSignal) =>
          docker.getContainer(name).logs({ stdout: true, stderr: true, tail: 20, follow: false, abortSignal }),
        )
        .catch(() => null)
      return Buffer.isBuffer(answer) ? (unframed(answer).trim().split('\n').at(-1) ?? '') : ''
    },
  }
}

/** Only what we read. Podman sends null where Docker sends an empty mapping. */
const labels = z.record(z.string(), z.string()).nullish()
const listed = z.array(z.object({ Names: z.array(z.string()), State: z.string(), Labels: labels }))
const inspected = z.object({
  Created: z.string(),
  Config: z.object({ Labels: labels }),
  State: z.object({
    Status: z.string(),
    ExitCode: z.number(),
    OOMKilled: z.boolean().nullish(),
    FinishedAt: z.string(),
  }),
})

// Docker 28: created, running, paused, restarting, removing, exited, dead. Podman 4 also configured, initialized, stopping, stopped.
// What neither says now is taken for life: nobody is told that it has ended.
function lifeOf(state: string): Container['life'] {
  if (['created', 'configured', 'initialized'].includes(state)) return 'unborn'
  return ['exited', 'dead', 'removing', 'stopped'].includes(state) ? 'ended' : 'living'
}

function absent(error: unknown): null {
  if (statusOf(error) === 404) return null
  throw error
}

function unless(...statuses: number[]): (error: unknown) => void {
  return (error) => {
    if (!statuses.includes(statusOf(error) ?? 0)) throw error
  }
}

/** Each piece of output has a header of 8 bytes, the length of the piece in the last four. */
function unframed(output: Buffer): string {
  const pieces: Buffer[] = []
  for (let at = 0; at + 8 <= output.length; ) {
    const end = at + 8 + output.readUInt32BE(at + 4)
    pieces.push(output.subarray(at + 8, end))
    at = end
  }
  return Buffer.concat(pieces).toString('utf8')
}
