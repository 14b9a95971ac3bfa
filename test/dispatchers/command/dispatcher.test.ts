import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Dispatcher } from '../../../src/dispatchers/dispatcher.ts'
import { aCredential, aRequest, canary, never } from '../contract.ts'
import { lives } from '../process/place.ts'
import { aPlace, aScript, type CommandPlace, hasJq, ownTool } from './place.ts'

let place: CommandPlace
const opened: Dispatcher[] = []
beforeEach(async () => {
  place = await aPlace({})
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((made) => made.close?.()))
  await place.close()
})

/** A dispatcher whose command is these lines of shell. */
async function running(lines: string, written: Record<string, unknown> = {}): Promise<Dispatcher> {
  const made = place.dispatcher('muster', { command: [await aScript(place, lines), 'an argument'], ...written })
  opened.push(made)
  return made
}
const seen = (file: string) => readFile(join(place.state, file), 'utf8')

test('launch gets all that is known of the runner, as JSON on its standard input', async () => {
  const dispatcher = await running('echo "$@" > $FAKE_STATE/argv; cat > $FAKE_STATE/input; env > $FAKE_STATE/env')
  const over = { id: 'd1', name: 'muster-d1', ttl: 90_500, machineType: '2x4', image: 'node:26', env: { A: 'b' } }
  expect(await dispatcher.launch(aRequest(over), never)).toEqual({ name: 'muster-d1' })
  expect(await seen('argv')).toBe('an argument launch\n')
  const input = await seen('input')
  expect(input.endsWith('}\n')).toBe(true)
  expect(JSON.parse(input)).toEqual({
    id: 'd1',
    name: 'muster-d1',
    owner: 'muster',
    instance: 'main',
    labels: ['linux:host'],
    ttl_seconds: 91,
    ends_at: expect.any(Number),
    machine_type: '2x4',
    image: 'node:26',
    env: { A: 'b' },
    scope: { level: 'repository', owner: 'acme', name: 'widgets' },
    job: 'main/42',
    repository: 'acme/widgets',
    credential: aCredential(),
    start: expect.stringMatching(/^#!\/bin\/sh\n/),
  })
})

test('nothing secret of ours or of the runner is in the environment or the arguments', async () => {
  vi.stubEnv('MUSTER_TEST_SECRET', 'ours')
  const dispatcher = await running('echo "$@" > $FAKE_STATE/env; env >> $FAKE_STATE/env')
  await dispatcher.launch(aRequest(), never)
  vi.unstubAllEnvs()
  const env = await seen('env')
  expect(env).toContain('PATH=')
  expect(env).not.toMatch(new RegExp(`${canary}|MUSTER_TEST_SECRET`))
})

describe('what became of a launch:', () => {
  test.each<[string, string, string | RegExp]>([
    ['exit 0 and nothing said', 'cat > /dev/null', 'accepted'],
    ['exit 0 and JSON', "echo '{}'", 'accepted'],
    ['exit 0 without reading what it was told', 'exit 0', 'accepted'],
    [
      'exit 75',
      'echo warning >&2; echo all hosts are full >&2; exit 75',
      /^refused: the command refused: all hosts are full$/,
    ],
    ['a refusal in JSON', `echo '{"refused":"no quota"}'`, /^refused: the command refused: no quota$/],
    ['a refusal in JSON, whatever the exit', `echo '{"refused":"no quota"}'; exit 3`, /^refused: /],
    ['another exit', 'echo broken >&2; exit 1', /^unknown: the command ended with exit code 1: broken$/],
    ['a signal', 'kill -9 $$', /^unknown: the command ended with a signal$/],
    ['output that is not JSON', 'echo started', /^unknown: .*not JSON/],
    ['endless output', 'while :; do printf %01000d 0; done', /^unknown: it wrote more than 1048576 bytes$/],
    ['no end in time', 'exec sleep 600', /^unknown: it did not end in time$/],
  ])('%s', async (_, lines, outcome) => {
    const dispatcher = await running(lines, { launch_timeout: '1s' })
    const told = await dispatcher.launch(aRequest(), never).then(
      () => 'accepted',
      (error: Error) => `${error.name === 'DispatchRefused' ? 'refused' : 'unknown'}: ${error.message}`,
    )
    expect(told).toMatch(outcome)
  })

  test.each(['/no/such/command', '/etc/passwd'])('%s, which cannot be run, is a refusal', async (command) => {
    const dispatcher = place.dispatcher('muster', { command: [command] })
    opened.push(dispatcher)
    await expect(dispatcher.launch(aRequest(), never)).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining(command),
    })
  })

  test('a refusal says when it is of use to ask again', async () => {
    const dispatcher = await running(`echo '{"refused":"full","retry_after":30}'`)
    await expect(dispatcher.launch(aRequest(), never)).rejects.toMatchObject({ retryAt: expect.any(Number) })
  })

  test('given up before it began, nothing was started; later, nobody knows', async () => {
    const dispatcher = await running(': > $FAKE_STATE/begun; exec sleep 600')
    await expect(dispatcher.launch(aRequest(), AbortSignal.abort())).rejects.toMatchObject({ name: 'DispatchRefused' })
    const giveUp = new AbortController()
    const answer = dispatcher.launch(aRequest(), giveUp.signal)
    await vi.waitFor(() => seen('begun'))
    giveUp.abort()
    await expect(answer).rejects.toMatchObject({ name: 'DispatchUnknown' })
  })

  // The first attempt may have started it.
  test('a refusal after an unknown start leaves it unknown', async () => {
    const dispatcher = await running('[ -e $FAKE_STATE/once ] && exit 75; : > $FAKE_STATE/once; exit 1', {
      idempotent: true,
    })
    const request = aRequest()
    for (let attempt = 0; attempt < 3; attempt++)
      await expect(dispatcher.launch(request, never)).rejects.toMatchObject({ name: 'DispatchUnknown' })
    await expect(dispatcher.launch(aRequest(), never)).rejects.toMatchObject({ name: 'DispatchRefused' })
  })

  test.skipIf(!hasJq)('the reason is on one line, and the credential is not in it', async () => {
    const dispatcher = await running('jq -r .credential.token | tr -d "\\n" >&2; exit 1')
    await expect(dispatcher.launch(aRequest(), never)).rejects.toThrow(/exit code 1: \*\*\*$/)
  })
})

test('all that a command started is killed with it when it takes too long', async () => {
  const dispatcher = await running('sleep 600 & echo $! > $FAKE_STATE/pid; wait', { launch_timeout: '1s' })
  await expect(dispatcher.launch(aRequest(), never)).rejects.toMatchObject({ name: 'DispatchUnknown' })
  const pid = Number(await seen('pid'))
  await vi.waitFor(() => expect(lives(pid)).toBe(false))
})

test('a command that lets something go on is done when it ends itself', async () => {
  const dispatcher = await running('sleep 600 & echo $! > $FAKE_STATE/pid')
  await dispatcher.launch(aRequest(), never)
  const pid = Number(await seen('pid'))
  expect(lives(pid)).toBe(true)
  process.kill(pid)
})

test('a command that hangs does not hang the close', async () => {
  const dispatcher = await running(': > $FAKE_STATE/begun; exec sleep 600', { lists: true, stops: true })
  const answer = dispatcher.launch(aRequest(), never)
  await vi.waitFor(() => seen('begun'))
  await Promise.all([expect(answer).rejects.toMatchObject({ name: 'DispatchUnknown' }), dispatcher.close?.()])
})

describe('what it can do is what its user says:', () => {
  test('nothing, when nothing is said', async () => {
    const dispatcher = await running('')
    expect(dispatcher.traits).toEqual({
      credentials: 'ours',
      names: true,
      askAgain: false,
      stops: false,
      lists: false,
      local: false,
    })
    expect(dispatcher.running).toBeUndefined()
    expect(dispatcher.stop).toBeUndefined()
  })

  test.each([
    ['exit 1', 'exit code 1'],
    ['echo', 'did not answer'],
    ['echo list', 'did not answer'],
    [`echo '{"runners":[{"name":"x"}]}'`, 'did not answer'],
  ])('a list that answers with "%s" is none', async (lines, why) => {
    const dispatcher = await running(lines, { lists: true })
    await expect(dispatcher.running?.(never)).rejects.toThrow(why)
  })

  test('a list may say that it is not complete', async () => {
    const dispatcher = await running(`echo '{"complete":false,"runners":[{"id":"a"}]}'`, { lists: true })
    expect(await dispatcher.running?.(never)).toEqual({ complete: false, dispatches: ['a'] })
  })

  test('a list that tells no ends of what an earlier process started is told of once', async () => {
    const dispatcher = await running(`echo '{"runners":[{"id":"a"},{"id":"b"}]}'`, { lists: true, stops: true })
    await dispatcher.running?.(never)
    await dispatcher.running?.(never)
    await vi.waitFor(() => expect(place.notes.filter((note) => note.includes('"ends_at"'))).toHaveLength(1))
  })

  test('a stop that fails is an error', async () => {
    const dispatcher = await running('echo no such host >&2; exit 2', { stops: true })
    await expect(dispatcher.stop?.('d1', never)).rejects.toThrow('"stop" ended with exit code 2: no such host')
  })
})

test.skipIf(!hasJq)('the ttl of what an earlier process started is kept', async () => {
  const written = { command: [ownTool], idempotent: true, lists: true, stops: true }
  const request = aRequest({ ttl: place.shortTtl })
  const earlier = place.dispatcher('muster', written)
  await earlier.launch(request, never)
  await earlier.close?.()
  await vi.waitFor(async () => expect(await place.living()).toEqual([request.id]))
  opened.push(place.dispatcher('muster', written))
  await vi.waitFor(async () => expect(await place.living()).toEqual([]), { timeout: 8_000 })
})

describe('a check', () => {
  const levels = async (dispatcher: Dispatcher) => ((await dispatcher.check?.(never)) ?? []).map(({ level }) => level)
  test('asks what can be asked without starting anything', async () => {
    expect(await levels(await running(`echo '{"runners":[]}'`, { lists: true }))).toEqual(['good'])
    expect(await levels(await running('exit 1', { lists: true }))).toEqual(['problem'])
    expect(await levels(await running('exit 1'))).toEqual(['note'])
  })
  test('finds a program that is not there', async () => {
    const dispatcher = place.dispatcher('muster', { command: ['/no/such/command'], lists: true })
    opened.push(dispatcher)
    expect(await dispatcher.check?.(never)).toMatchObject([
      { level: 'problem', message: expect.stringContaining('is not there'), fix: expect.stringContaining('command') },
    ])
  })
})

// The example of the documentation, as it stands there.
test.skipIf(!hasJq)('ten lines of shell start a runner on another host, once', async () => {
  const page = await readFile(resolve(import.meta.dirname, '../../../docs/dispatchers/command.md'), 'utf8')
  const [, lines = ''] = /^```sh\n(#!\/bin\/sh\n[\s\S]*?)^```$/m.exec(page) ?? []
  expect(lines.split('\n').length).toBeLessThanOrEqual(12)
  const path = join(place.state, 'runner-on-build1')
  await writeFile(path, lines)
  await chmod(path, 0o755)
  const dispatcher = place.dispatcher('muster', { command: [path], idempotent: true })
  opened.push(dispatcher)
  const request = aRequest()
  await dispatcher.launch(request, never)
  await dispatcher.launch(request, never)
  await vi.waitFor(async () => expect(await place.started()).toEqual([request.id]), { timeout: 5_000 })
  expect((await place.credentials()).join()).toContain(canary)
  expect(JSON.stringify((await place.calls()).map(({ argv }) => argv))).not.toContain(canary)
})
