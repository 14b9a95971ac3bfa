import { Scrubber } from '../../secret.ts'
import type { Dispatcher, DispatcherContext, DispatcherType, Launched, LaunchRequest } from '../dispatcher.ts'
import { DispatcherUnusable, DispatchRefused } from '../errors.ts'
import { secretsOf } from '../recipe.ts'
import { createBringUp } from './bring-up.ts'
import { checkEngine } from './check.ts'
import { createContainers } from './containers.ts'
import { createEnds } from './ends.ts'
import { createEngine } from './engine.ts'
import { followEvents } from './events.ts'
import { orGivenUp } from './given-up.ts'
import { createImages } from './images.ts'
import type { DockerOptions } from './options.ts'

/** Runners as containers of a Docker Engine or of Podman. They live on when we end, and are found again by their labels. */
export const docker: DispatcherType<DockerOptions> = { kind: 'docker', create }

function create(options: DockerOptions, { owner, clock, note }: DispatcherContext): Dispatcher {
  const { engine: address } = options
  const tls = address.kind === 'tcp' ? address.tls : null
  if (tls && (tls.cert === null) !== (tls.key === null))
    throw new DispatcherUnusable('cert_file and key_file belong together: set both, or neither')

  const closing = new AbortController()
  const engine = createEngine(address, closing.signal)
  const containers = createContainers(engine)
  const images = createImages({ engine, options, clock, note })
  const starting = new Map<string, Promise<Launched>>()
  const ends = createEnds({ containers, owner, clock, note, starting: () => starting.keys(), closing: closing.signal })
  const bringUp = createBringUp({ options, owner, containers, images, clock, removeSide: ends.removeSide })
  const events = followEvents({
    engine,
    owner,
    clock,
    note,
    opened: async () => void (await ends.survey(closing.signal)),
    died: ({ dispatch }) => ends.died(dispatch),
    closing: closing.signal,
  })

  return {
    kind: 'docker',
    traits: {
      credentials: 'ours',
      names: true,
      askAgain: true,
      stops: true,
      lists: true,
      local: address.kind === 'sockets',
    },

    launch(request, signal) {
      const known = starting.get(request.id)
      if (known !== undefined) return known
      const start = launch(request, AbortSignal.any([signal, closing.signal])).finally(() =>
        starting.delete(request.id),
      )
      starting.set(request.id, start)
      return start
    },

    running: (signal) => ends.survey(signal),

    async stop(id, signal) {
      const start = starting.get(id) ?? Promise.resolve()
      await orGivenUp(
        start.then(
          () => undefined,
          () => undefined,
        ),
        signal,
      )
      await ends.end(id, signal)
    },

    onEnd: ends.onEnd,

    check: (signal) => checkEngine({ engine, images, options }, signal),

    async close() {
      closing.abort()
      await Promise.allSettled([events, ends.close(), ...starting.values()])
    },
  }

  async function launch(request: LaunchRequest, signal: AbortSignal): Promise<Launched> {
    const { id, name, credential } = request
    const scrubber = new Scrubber()
    for (const value of credential ? secretsOf(credential) : []) scrubber.add(value)
    ends.expect(id, scrubber)
    try {
      const endsAt = await bringUp(request, scrubber, signal)
      if (endsAt !== null) ends.began(id, endsAt)
      return { name }
    } catch (error) {
      if (error instanceof DispatchRefused) ends.neverBegan(id)
      throw error
    }
  }
}
