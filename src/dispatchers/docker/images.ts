import { z } from 'zod'
import type { Clock } from '../../clock.ts'
import { Scrubber } from '../../secret.ts'
import { DispatchRefused } from '../errors.ts'
import { reason } from '../reason.ts'
import type { Engine } from './engine.ts'
import { said, statusOf } from './faults.ts'
import { orGivenUp } from './given-up.ts'
import { jsonLines } from './lines.ts'
import type { DockerOptions } from './options.ts'

export interface Image {
  /** The user that its containers run as, as the image says it; empty for root. */
  user: string
}

export interface Images {
  /** Makes sure that the engine has it, by the options' `pull`. Whoever wants the same one at the same time waits for one pull. Rejects with `DispatchRefused`. */
  ensure(image: string, platform: string | null, signal: AbortSignal): Promise<Image>
  /** Null when the engine does not have it. */
  find(image: string, signal: AbortSignal): Promise<Image | null>
}

export interface ImagePorts {
  engine: Engine
  options: Pick<DockerOptions, 'pull' | 'registry'>
  clock: Clock
  note: (sentence: string) => void
}

/** Milliseconds for one call. */
const bound = 30_000
/** A pull that takes longer is given up. Milliseconds. */
const pullBound = 30 * 60_000
/** So often a long pull tells how far it is. Milliseconds. */
const beat = 30_000

const imageTold = z.object({ Config: z.object({ User: z.string().nullish() }).nullish() })
const progress = z.object({ status: z.string().optional(), id: z.string().optional(), error: z.string().optional() })

export function createImages({ engine, options, clock, note }: ImagePorts): Images {
  const scrubber = new Scrubber(options.registry ? [options.registry.password] : [])
  const pulls = new Map<string, Promise<void>>()

  return {
    find,

    async ensure(image, platform, signal) {
      const had = await find(image, signal)
      if (had && options.pull !== 'always') return had
      if (options.pull === 'never')
        throw new DispatchRefused(`the image ${image} is not on the engine: pull it there, or set "pull: missing"`)
      await orGivenUp(pulled(image, platform, had !== null), signal)
      const has = await find(image, signal)
      if (has) return has
      throw new DispatchRefused(`the image ${image} was pulled and is not on the engine`)
    },
  }

  async function find(image: string, signal: AbortSignal): Promise<Image | null> {
    try {
      const told = await engine.call(bound, signal, (docker) => docker.getImage(image).inspect())
      return { user: imageTold.parse(told).Config?.User ?? '' }
    } catch (error) {
      if (statusOf(error) === 404) return null
      throw new DispatchRefused(`the image ${image} could not be looked up: ${said(error)}`, { cause: error })
    }
  }

  // It goes on when those that wait for it give up: the next one has use for it.
  function pulled(image: string, platform: string | null, refresh: boolean): Promise<void> {
    const key = `${image} ${platform}`
    const underWay = pulls.get(key)
    if (underWay !== undefined) return underWay
    const pulling = pull(image, platform, refresh).finally(() => pulls.delete(key))
    pulling.catch(() => undefined)
    pulls.set(key, pulling)
    return pulling
  }

  async function pull(image: string, platform: string | null, refresh: boolean): Promise<void> {
    const began = clock.monotonic()
    // One that is there and only looked after says nothing unless it takes long.
    if (!refresh) note(`pulling the image ${image}`)
    try {
      await engine.call(pullBound, neverAborted, async (docker, abortSignal) => {
        const query = { ...reference(image), ...(platform !== null && { platform }), abortSignal }
        await followed(await docker.createImage(loginFor(image), query), image, began)
      })
    } catch (error) {
      throw new DispatchRefused(reason(`the image ${image} could not be pulled: ${said(error, scrubber)}`), {
        cause: error,
      })
    }
    const seconds = Math.round((clock.monotonic() - began) / 1_000)
    if (!refresh) note(`pulled the image ${image} in ${seconds} s`)
  }

  async function followed(stream: NodeJS.ReadableStream, image: string, began: number): Promise<void> {
    const layers = new Map<string, boolean>()
    let toldAt = began
    for await (const line of jsonLines(stream)) {
      const { data: { status = '', id, error } = {} } = progress.safeParse(line)
      if (error !== undefined) throw new Error(error)
      if (id !== undefined && status !== '' && !status.startsWith('Pulling from'))
        layers.set(id, /^(Pull complete|Already exists|Download complete)/.test(status))
      if (layers.size === 0 || clock.monotonic() - toldAt < beat) continue
      toldAt = clock.monotonic()
      const done = [...layers.values()].filter((isDone) => isDone).length
      note(`still pulling the image ${image}: ${done} of ${layers.size} layers`)
    }
  }

  function loginFor(image: string): object | undefined {
    const login = options.registry
    if (!login || registryOf(image) !== login.host) return undefined
    return { username: login.user, password: login.password.reveal(), serveraddress: login.host }
  }
}

const neverAborted = new AbortController().signal

/** Without a tag an engine would pull every one there is. */
export function reference(image: string): { fromImage: string; tag: string } {
  const [, digested, digest] = /^(.+)@(.+)$/.exec(image) ?? []
  if (digested !== undefined && digest !== undefined)
    return { fromImage: digested.replace(/:[^:/]+$/, ''), tag: digest }
  const [, name = image, tag = 'latest'] = /^(.+):([^:/]+)$/.exec(image) ?? []
  return { fromImage: name, tag }
}

/** The registry that an image names; Docker's own where it names none. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/')
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost') ? first : 'docker.io'
}
