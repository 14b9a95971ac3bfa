import { cp, readFile, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execPath } from 'node:process'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Clock, systemClock } from '../../../src/clock.ts'
import type { Credential } from '../../../src/core/credential.ts'
import type { Dispatcher } from '../../../src/dispatchers/dispatcher.ts'
import { deprecatedIn, isOlder, versionIn } from '../../../src/dispatchers/process/program-version.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { aCredential, aRequest, canary, never } from '../contract.ts'
import { aPlace, type ProcessPlace, runners } from './place.ts'

test.each`
  printed                                         | version
  ${'forgejo-runner version v12.8.2'}             | ${[12, 8, 2]}
  ${'act_runner version v0.2.12\n'}               | ${[0, 2, 12]}
  ${'gitea-runner version 2.1'}                   | ${[2, 1, 0]}
  ${'2.335.1'}                                    | ${[2, 335, 1]}
  ${'act_runner version v0.2.11+12-g1a2b3c4'}     | ${null}
  ${'forgejo-runner version v12.8.0-rc1'}         | ${null}
  ${'forgejo-runner version dev'}                 | ${null}
  ${'Error: unknown flag: --version on 10.0.0.1'} | ${null}
  ${''}                                           | ${null}
`('"$printed" is version $version', ({ printed, version }) => {
  expect(versionIn(printed)).toEqual(version)
})

test.each`
  one           | other         | older
  ${[12, 7, 9]} | ${[12, 8, 0]} | ${true}
  ${[12, 8, 0]} | ${[12, 8, 0]} | ${false}
  ${[13, 0, 0]} | ${[12, 8, 0]} | ${false}
  ${[0, 2, 9]}  | ${[0, 2, 12]} | ${true}
  ${[1, 0, 0]}  | ${[0, 2, 12]} | ${false}
`('$one is older than $other: $older', ({ one, other, older }) => {
  expect(isOlder(one, other)).toBe(older)
})

// actions/runner#3266
test('a runner of GitHub says that its version is too old', () => {
  const printed =
    'An error occured: Error: Forbidden Runner version v2.316.1 is deprecated and cannot receive messages.'
  expect(deprecatedIn(printed)).toBe('2.316.1')
  expect(deprecatedIn('Listening for Jobs')).toBeNull()
})

describe('before a start', () => {
  let place: ProcessPlace
  const opened: Dispatcher[] = []
  beforeEach(async () => {
    place = await aPlace()
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((made) => made.close?.()))
    await place.close()
  })
  // By the wall: a program needs a part of a second to answer on a busy machine.
  const open = (env: Record<string, string>, command: string[] | null = null, clock: Clock = systemClock) => {
    const made = place.dispatcher('muster', { command, env: { ...place.options().env, ...env } }, { clock })
    opened.push(made)
    return made
  }
  const asked = async () =>
    (await readFile(join(dirname(place.workDir), 'told', 'asked-for-version'), 'utf8').catch(() => '')).split('\n')
      .length - 1
  const shared = (forge: 'forgejo' | 'gitea'): Credential => ({
    kind: 'registration-token',
    forge,
    url: 'http://127.0.0.1:3000',
    token: canary,
  })

  test.each([
    [
      'Forgejo 15',
      aCredential(),
      'forgejo-runner version v12.7.3',
      'too old for Forgejo 15 and later: install version 12.8.0 or later',
    ],
    [
      'Forgejo 14',
      shared('forgejo'),
      'forgejo-runner version v12.6.0',
      'too old for Forgejo: install version 12.7.0 or later',
    ],
    ['Gitea', shared('gitea'), 'act_runner version v0.2.11', 'too old for Gitea: install version 0.2.12 or later'],
  ])('a runner that is too old for %s is a refusal that names both versions', async (_, credential, version, told) => {
    const dispatcher = open({ STAND_IN_VERSION: version })
    const refusal = { name: 'DispatchRefused', message: expect.stringContaining(told) }
    await expect(dispatcher.launch(aRequest({ credential }), never)).rejects.toMatchObject(refusal)
    await expect(dispatcher.launch(aRequest({ credential }), never)).rejects.toMatchObject(refusal)
    expect(place.notes).toEqual([expect.stringMatching(`is version ${version.replace(/.* v/, '')}, which is ${told}`)])
    expect(await place.told()).toEqual([])
  })

  test.each(['forgejo-runner version v12.8.0', 'forgejo-runner version dev', '', 'hangs'])(
    'a runner that says "%s" is started',
    async (version) => {
      await open({ STAND_IN_VERSION: version }, null, quickClock(20)).launch(aRequest(), never)
      await vi.waitFor(async () => expect(await place.told()).toHaveLength(1), { timeout: 10_000 })
    },
  )

  test("a command of the user's own is not asked", async () => {
    await open({ STAND_IN_VERSION: 'forgejo-runner version v1.0.0' }, [join(runners, 'own-command')]).launch(
      aRequest(),
      never,
    )
    expect(await asked()).toBe(0)
  })

  test('a program is asked once, and again when another file has taken its place', async () => {
    const bin = join(dirname(place.workDir), 'bin')
    await cp(runners, bin, { recursive: true })
    const dispatcher = open({ PATH: [bin, dirname(execPath), '/usr/bin', '/bin'].join(':') })
    await Promise.all([dispatcher.launch(aRequest(), never), dispatcher.launch(aRequest(), never)])
    await dispatcher.launch(aRequest(), never)
    expect(await asked()).toBe(1)
    await utimes(join(bin, 'forgejo-runner'), 1, 1)
    await dispatcher.launch(aRequest(), never)
    expect(await asked()).toBe(2)
  })

  // Behind a wrapper, the file that we see stays the same.
  test('one that was too old is asked again a minute later', async () => {
    const time = { passed: 0 }
    const clock = { ...systemClock, now: () => systemClock.now() + time.passed }
    const dispatcher = open({ STAND_IN_VERSION: 'forgejo-runner version v12.7.3' }, null, clock)
    for (const [passed, times] of [
      [0, 1],
      [50_000, 1],
      [60_000, 2],
    ] as const) {
      time.passed = passed
      await expect(dispatcher.launch(aRequest(), never)).rejects.toThrow(/too old/)
      expect(await asked()).toBe(times)
    }
  })

  test.each`
    how                                 | part            | command
    ${'that prints so and ends with 0'} | ${'deprecated'} | ${null}
    ${'that ends with exit code 7'}     | ${'exit7'}      | ${null}
    ${'by the path of its run.sh'}      | ${'deprecated'} | ${[join(runners, 'run.sh')]}
  `(
    'a runner of GitHub whose version is turned away, $how, is told and not started again',
    async ({ part, command }) => {
      const credential: Credential = { kind: 'jit', url: 'https://github.com/acme', config: canary }
      const dispatcher = open({}, command)
      const ended = new Promise<void>((resolve) => dispatcher.onEnd?.(resolve))
      await dispatcher.launch(aRequest({ credential, env: { STAND_IN_PART: part } }), never)
      await ended
      await expect(dispatcher.launch(aRequest({ credential }), never)).rejects.toMatchObject({
        name: 'DispatchRefused',
        message: expect.stringMatching(
          /^GitHub no longer gives jobs to .* of the runner .*run\.sh: install the newest one$/,
        ),
      })
      expect(place.notes).toContainEqual(expect.stringMatching(/^GitHub no longer gives jobs to/))
      await expect(dispatcher.launch(aRequest(), never)).resolves.toBeDefined()
    },
  )
})
