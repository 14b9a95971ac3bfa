import type { Dispatcher } from '../../../src/dispatchers/dispatcher.ts'
import { nomad as nomadKind } from '../../../src/dispatchers/nomad/dispatcher.ts'
import type { NomadOptions } from '../../../src/dispatchers/nomad/options.ts'
import { quickClock } from '../../support/quick-clock.ts'
import type { Place } from '../contract.ts'
import { aJob, FakeNomad, type Job } from './fake-nomad.ts'

export interface NomadPlace extends Place {
  nomad: FakeNomad
  notes: string[]
  dispatcher(owner?: string, options?: Partial<NomadOptions>): Dispatcher
}

/** A Nomad on loopback, and a clock that runs 20 times as fast. */
export async function aNomad(declares: 'full' | 'ancestor' = 'full', job: Job = aJob(declares)): Promise<NomadPlace> {
  const nomad = await new FakeNomad(job).listen()
  const notes: string[] = []
  const clock = quickClock(20)

  return {
    shortTtl: 20_000,
    nomad,
    notes,
    dispatcher: (owner = 'muster', over = {}) =>
      nomadKind.create(
        {
          url: new URL(nomad.url),
          job: 'muster-runner',
          namespace: null,
          region: null,
          token: null,
          ca: null,
          meta: declares,
          command: null,
          ...over,
        },
        { name: 'there', owner, clock, note: (text) => notes.push(text) },
      ),
    started: async () => nomad.children.map(dispatchOf),
    living: async () => nomad.children.filter(({ Status }) => Status !== 'dead').map(dispatchOf),
    // Whoever may list jobs sees this; the payload takes the capability to read them.
    onlooker: async () =>
      JSON.stringify([
        nomad.children.map(({ Payload, ...seen }) => seen),
        nomad.calls.map(({ path, query, headers }) => [path, String(query), { ...headers, 'x-nomad-token': '' }]),
        notes,
      ]),
    close: () => nomad.close(),
  }
}

/** What a payload says, as a task reads it. */
export function payloadOf({ Payload }: Pick<Job, 'Payload'>): Record<string, unknown> {
  return JSON.parse(Buffer.from(Payload ?? '', 'base64').toString('utf8'))
}

function dispatchOf(job: Job): string {
  return String(payloadOf(job).dispatch)
}
