import type { Clock } from '../../clock.ts'
import type { Scrubber } from '../../secret.ts'
import type { LaunchRequest } from '../dispatcher.ts'
import { DispatchRefused, DispatchUnknown } from '../errors.ts'
import { reason } from '../reason.ts'
import { startScript } from '../start-script.ts'
import type { Container, Containers } from './containers.ts'
import { type Creation, runnerContainer, runnerCreation } from './creation.ts'
import { neverConnected, said } from './faults.ts'
import type { Images } from './images.ts'
import type { DockerOptions } from './options.ts'
import { sideCreation, sideSocket } from './side.ts'
import { startArchive } from './start-archive.ts'

export interface BringUpPorts {
  options: DockerOptions
  owner: string
  containers: Containers
  images: Images
  clock: Clock
  /** Removes what stands beside a runner that will not run. */
  removeSide: (runner: string, signal: AbortSignal) => Promise<void>
}

/** Starts the runner of a request, and answers when it has to end (epoch milliseconds); null for one that had been started before. */
export type BringUp = (request: LaunchRequest, scrubber: Scrubber, signal: AbortSignal) => Promise<number | null>

/** Milliseconds in which a failed start is looked into, also when its caller has given it up. */
const lookBound = 5_000

/** What is made of one request before the engine is asked for anything. */
interface Prepared {
  request: LaunchRequest
  image: string
  endsAt: number
  runner: Creation
  side: Creation | null
  script: string
  scrubber: Scrubber
}

/** It rejects with `DispatchRefused` or `DispatchUnknown`, and leaves nothing that cannot be found again by its name. */
export function createBringUp(ports: BringUpPorts): BringUp {
  const { options, owner, containers, images, clock } = ports
  // A container of these may stand there: what then hinders us from looking proves nothing.
  const doubted = new Set<string>()

  return async (request, scrubber, signal) => {
    const prepared = prepare(request, scrubber)
    const { name } = prepared.runner
    const known = await before(request, prepared, () => standing(name, request.id, signal))
    if (known !== null && known.life !== 'unborn') return null
    if (known === null) doubted.delete(request.id)
    const user = await before(request, prepared, () => pulled(prepared, signal))
    const progress = { touched: known !== null }
    try {
      await start(prepared, user, known !== null, progress, signal)
      doubted.delete(request.id)
      return prepared.endsAt
    } catch (error) {
      return await afterFault(error, prepared, progress.touched)
    }
  }

  function prepare(request: LaunchRequest, scrubber: Scrubber): Prepared {
    const { credential } = request
    if (!credential) throw new DispatchRefused('the runner was given no credential of the forge')
    const name = runnerContainer(owner, request.id)
    if (name === null) throw new DispatchRefused(reason(`the dispatch id "${request.id}" cannot name a container`))
    const image = request.image ?? options.image
    if (image === null)
      throw new DispatchRefused('there is no image to start: set "image" of the target or of the dispatcher')
    const endsAt = clock.now() + request.ttl
    const env = {
      ...options.env,
      ...(options.dind !== null && { DOCKER_HOST: `unix://${sideSocket}` }),
      ...request.env,
    }
    const { script } = startScript({ ...request, image, env }, credential, options.command)
    return {
      request,
      image,
      endsAt,
      runner: runnerCreation(request, options, { name, image, owner, endsAt }),
      side:
        options.dind === null
          ? null
          : sideCreation(request, options, { runner: name, image: options.dind, owner, endsAt }),
      script,
      scrubber,
    }
  }

  /** What fails before anything is made is a refusal, unless an earlier call may have made it. */
  async function before<T>({ id }: LaunchRequest, { scrubber }: Prepared, step: () => Promise<T>): Promise<T> {
    try {
      return await step()
    } catch (error) {
      const why = error instanceof DispatchRefused ? error.message : `nothing was started: ${said(error, scrubber)}`
      if (doubted.has(id)) throw new DispatchUnknown(reason(`whether it runs is not known: ${why}`), { cause: error })
      throw error instanceof DispatchRefused ? error : new DispatchRefused(reason(why, scrubber), { cause: error })
    }
  }

  /** The user that the runner's container runs as. */
  async function pulled({ request, image, runner, side, endsAt }: Prepared, signal: AbortSignal): Promise<string> {
    const [{ user }] = await Promise.all([
      images.ensure(image, runner.platform, signal),
      side && images.ensure(options.dind ?? '', null, signal),
    ])
    signal.throwIfAborted()
    if (clock.now() >= endsAt) throw new DispatchRefused(`the image ${image} came only when the ttl was over`)
    // A pull may have taken long, and another process of ours may have come first.
    await standing(runner.name, request.id, signal)
    return options.user ?? user
  }

  /** The container of this dispatch, in whatever state; null when there is none. */
  async function standing(name: string, id: string, signal: AbortSignal): Promise<Container | null> {
    const found = await containers.find(name, signal)
    if (found === null || (found.mark?.owner === owner && found.mark.dispatch === id)) return found
    throw new DispatchRefused(`a container that is not ours bears the name ${name}: remove it, or change "owner"`)
  }

  async function start(
    { runner, side, script, request }: Prepared,
    user: string,
    stands: boolean,
    progress: { touched: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const make = async (creation: Creation) => {
      await containers.create(creation, signal).catch(async (error: unknown) => {
        if (neverConnected(error)) throw error
        progress.touched = true
        // Engines tell of a name that is taken in different ways: it stands there, or not.
        if ((await standing(creation.name, request.id, signal)) === null) throw error
      })
      progress.touched = true
    }
    if (side) {
      await make(side)
      await joined(side.name, signal)
      await containers.start(side.name, signal)
    }
    if (!stands) await make(runner)
    if (!side) await joined(runner.name, signal)
    // One that came between may have started it already, and even seen its end.
    if ((await containers.find(runner.name, signal))?.life !== 'unborn') return
    await containers.unpack(runner.name, startArchive(script, { user, side: side !== null }), signal)
    await containers.start(runner.name, signal)
  }

  /** A container is made in one network; older engines take no more. */
  async function joined(name: string, signal: AbortSignal): Promise<void> {
    for (const network of options.networks.slice(1)) {
      await containers.join(name, network, signal).catch((error: unknown) => {
        if (!/already exists|already (?:attached|connected)/i.test(said(error))) throw error
      })
    }
  }

  /** Looks what came of a start that failed: what could be removed without force does not run and never will. */
  async function afterFault(error: unknown, prepared: Prepared, touched: boolean): Promise<number> {
    const { request, runner, scrubber } = prepared
    const { name } = runner
    const why = error instanceof DispatchRefused ? error.message : said(error, scrubber)
    const refusal = new DispatchRefused(reason(why, scrubber), { cause: error })
    if (!touched) throw refusal
    const signal = AbortSignal.timeout(lookBound)
    try {
      const found = await containers.find(name, signal)
      const ours = found?.mark?.owner === owner && found.mark.dispatch === request.id
      if (ours && found.life !== 'unborn') return prepared.endsAt
      if (ours) await containers.remove(name, { force: false }, signal)
      await ports.removeSide(name, signal)
    } catch {
      doubted.add(request.id)
      throw new DispatchUnknown(reason(`the start is in doubt: ${why}`, scrubber), { cause: error })
    }
    doubted.delete(request.id)
    throw refusal
  }
}
