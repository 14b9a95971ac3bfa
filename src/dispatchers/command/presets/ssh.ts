import { z } from 'zod'
import type { Finding } from '../../../core/finding.ts'
import { mapping } from '../../../fields/mapping.ts'
import { told } from '../../../fields/refusal.ts'
import { oneOf, optionalText, text, wholeNumber } from '../../../fields.ts'
import { DispatchRefused, DispatchUnknown } from '../../errors.ts'
import { ending, refusedExit } from '../own-command.ts'
import type { Finished, Programs } from '../programs.ts'
import type { Listed, Tool } from '../tool.ts'
import { sealed } from './guest.ts'
import { markOf, readMark } from './mark.ts'
import { listScript, startScriptFor, stopScript } from './ssh-scripts.ts'

const host = text('a host such as ci@build1.example.org', /^(?!-)[\w.@:[\]-]+$/)
const shape = {
  preset: oneOf(['ssh']),
  hosts: z.array(host, { error: told('a list of hosts', 'such as [ci@build1, ci@build2]') }).min(1),
  slots: wholeNumber(1, 1_000).prefault(1),
  identity_file: optionalText,
}

export interface SshOptions {
  kind: 'ssh'
  hosts: readonly string[]
  slots: number
  identity: string | null
}

/** Runners on a fixed set of hosts, so many on each, started by ssh. A folder on the host marks each of them. */
export const ssh = {
  keys: Object.keys(shape),
  launchTimeout: 2 * 60_000,
  schema: mapping(shape).transform(
    ({ hosts, slots, identity_file }): SshOptions => ({ kind: 'ssh', hosts, slots, identity: identity_file }),
  ),
}

/** What ssh of OpenSSH says when it never got in, so that nothing can have been started. */
const neverIn =
  /^ssh: (connect to host|Could not resolve hostname)|^Host key verification failed|: Permission denied \(/

interface Host {
  host: string
  /** Null when it cannot be asked, and why. */
  runners: (Listed & { name: string })[] | null
  why: string
}

export function sshTool({ hosts, slots, identity }: SshOptions): Tool {
  /** Where an earlier attempt may have started it. */
  const doubts = new Map<string, string>()

  return {
    traits: { idempotent: true, lists: true, stops: true, local: false },

    async launch(order, programs) {
      const { id } = order.request
      const name = markOf(order)
      const there = await survey(order.owner, programs)
      if (there.some(({ runners }) => runners?.some((runner) => runner.id === id))) return void doubts.delete(id)
      const reasons = there.filter(({ runners }) => runners === null).map(({ host, why }) => `${host}: ${why}`)
      for (const host of emptiestFirst(there, doubts.get(id))) {
        doubts.set(id, host)
        const finished = await on(host, startScriptFor(name, slots), programs, sealed(order.start))
        const full = finished.code === refusedExit
        if (finished.code !== 0 && !full && !(finished.code === 255 && neverIn.test(finished.lastWords)))
          throw new DispatchUnknown(`ssh to ${host} ended with ${ending(finished)}`)
        doubts.delete(id)
        if (finished.code === 0) return
        reasons.push(full ? `${host} is full` : `${host}: ${finished.lastWords}`)
      }
      throw new DispatchRefused(reasons.join('; '))
    },

    async list(owner, programs) {
      const there = await survey(owner, programs)
      return {
        complete: there.every(({ runners }) => runners !== null),
        runners: there.flatMap(({ runners }) => runners ?? []),
      }
    },

    async stop({ id, owner }, programs) {
      const there = await survey(owner, programs)
      const holders = there.flatMap(({ host, runners }) =>
        (runners ?? []).filter((runner) => runner.id === id).map(({ name }) => ({ host, name })),
      )
      for (const { host, name } of holders) {
        const finished = await on(host, stopScript(name), programs)
        if (finished.code !== 0) throw new Error(`ssh to ${host} ended with ${ending(finished)}`)
      }
      const silent = there.filter(({ runners }) => runners === null).map(({ host }) => host)
      if (holders.length === 0 && silent.length > 0) throw new Error(`${silent.join(' and ')} cannot be asked`)
    },

    async check(owner, programs): Promise<readonly Finding[]> {
      return (await survey(owner, programs)).map(({ host, runners, why }) =>
        runners
          ? { level: 'good', check: 'command', message: `${host} answers.`, fix: null }
          : {
              level: 'problem',
              check: 'command',
              message: `${host} cannot be asked: ${why}.`,
              fix: `See that "ssh -o BatchMode=yes ${host} true" works as the user that Muster runs as.`,
            },
      )
    },
  }

  /** What every host holds; null where it cannot be asked. */
  function survey(owner: string, programs: Programs): Promise<Host[]> {
    return Promise.all(
      hosts.map(async (host): Promise<Host> => {
        try {
          const finished = await on(host, listScript, programs)
          if (finished.code !== 0) return { host, runners: null, why: ending(finished) }
          const runners = finished.output.split('\n').flatMap((line) => {
            const [name = '', state] = line.split(' ')
            const mark = readMark(name, owner)
            return mark ? [{ ...mark, name, alive: state === 'alive' }] : []
          })
          return { host, runners, why: '' }
        } catch (error) {
          return { host, runners: null, why: error instanceof Error ? error.message : String(error) }
        }
      }),
    )
  }

  function on(host: string, script: string, programs: Programs, input = ''): Promise<Finished> {
    const key = identity === null ? [] : ['-i', identity]
    return programs.run(['ssh', '-T', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10', ...key, host, script], input)
  }
}

/** The hosts that answer, those with the fewest runners first; only the one where an earlier attempt may have started it, if there is one. */
function emptiestFirst(there: readonly Host[], doubted: string | undefined): string[] {
  const living = ({ runners }: Host) => runners?.filter(({ alive }) => alive).length ?? 0
  return there
    .filter(({ host, runners }) => runners !== null && (doubted === undefined || host === doubted))
    .toSorted((a, b) => living(a) - living(b))
    .map(({ host }) => host)
}
