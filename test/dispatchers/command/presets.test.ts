import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { shapesFor } from '../../../src/dispatchers/command/presets/nsc-shapes.ts'
import type { Dispatcher, LaunchRequest } from '../../../src/dispatchers/dispatcher.ts'
import { aRequest, canary, never } from '../contract.ts'
import { aPlace, type CommandPlace, mark } from './place.ts'

let place: CommandPlace
const opened: Dispatcher[] = []
beforeEach(async () => {
  place = await aPlace({})
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((made) => made.close?.()))
  await place.close()
})

const open = (written: Record<string, unknown>, owner?: string): Dispatcher => {
  const made = place.dispatcher(owner, written)
  opened.push(made)
  return made
}
const request = (over: Partial<LaunchRequest> = {}) =>
  aRequest({ id: 'd1', name: 'muster-d1', ttl: 90 * 60_000, ...over })
const patient = { timeout: 8_000 }

/** The calls since the dispatcher was made, without the lists that it looks at by itself; what changes with the hour is named. */
async function asked(): Promise<string[][]> {
  const calls = await place.calls()
  return calls
    .map(({ tool, argv }) => [
      tool,
      ...argv.map((arg) => arg.replaceAll(/muster-d1-[0-9a-z]{6}\b/g, 'MARK').replace(/^muster\.ends=\d{10}$/, 'ENDS')),
    ])
    .filter(
      (call) => !call.includes('list') && !call.some((arg) => arg.startsWith('marks=') && arg.includes('echo $one')),
    )
}
const machinesLeft = () => readdir(join(place.state, 'machines'))
const inputs = async (tool: string) =>
  (await place.calls()).filter((call) => call.tool === tool).map(({ input }) => input)

const quiet = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR']
const bound = ['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10']
const aLine = expect.stringContaining('cat > $new')

describe('tart', () => {
  const tart = { preset: 'tart', image: 'ghcr.io/acme/macos:15', identity_file: '/etc/muster/key' }

  // Flags of Tart 2.32 (Sources/tart/Commands/{Clone,Set,Run,IP,Stop,Delete}.swift).
  test('clones, sizes, runs and enters a machine, and deletes it', async () => {
    const dispatcher = open(tart)
    await dispatcher.launch(request({ machineType: '6x14' }), never)
    await vi.waitFor(async () => expect(await place.living()).toEqual(['d1']), patient)
    await dispatcher.stop?.('d1', never)
    expect((await asked()).sort(byOrder('clone', 'set', 'run', 'ip', '-T', 'stop', 'delete'))).toEqual([
      ['tart', 'clone', 'ghcr.io/acme/macos:15', 'MARK'],
      ['tart', 'set', 'MARK', '--cpu', '6', '--memory', '14336'],
      ['tart', 'run', '--no-graphics', 'MARK'],
      ['tart', 'ip', '--wait', '180', 'MARK'],
      ['ssh', '-T', ...bound, ...quiet, '-i', '/etc/muster/key', 'admin@192.168.64.2', aLine],
      ['tart', 'stop', '--timeout', '20', 'MARK'],
      ['tart', 'delete', 'MARK'],
    ])
    expect(await machinesLeft()).toEqual([])
    expect((await inputs('ssh')).join()).toContain(canary)
  })

  test('a machine shuts down when its runner ends, and is cleared away', async () => {
    const dispatcher = open(tart)
    await dispatcher.launch(request(), never)
    expect(await dispatcher.running?.(never)).toEqual({ complete: true, dispatches: ['d1'] })
    await vi.waitFor(async () => expect(await place.living()).toEqual(['d1']), patient)
    await place.end('d1')
    await vi.waitFor(async () => expect((await dispatcher.running?.(never))?.dispatches).toEqual([]), patient)
    await vi.waitFor(async () => expect(await machinesLeft()).toEqual([]), patient)
  })

  test.each([
    ['no such image', { image: 'missing' }, null],
    ['no address', {}, 'tart-ip'],
    ['no way in', {}, 'ssh-BatchMode=yes'],
  ])('%s: nothing is left and nothing was started', async (_, over, fault) => {
    if (fault !== null) await place.fail(fault, { words: 'no luck', code: 1 })
    await expect(open(tart).launch(request(over), never)).rejects.toMatchObject({ name: 'DispatchRefused' })
    expect(await machinesLeft()).toEqual([])
    expect(await place.started()).toEqual([])
  })

  test('a machine that does not go away leaves the start unknown', async () => {
    await place.fail('tart-ip', { words: 'no IP address found' })
    await place.fail('tart-delete', { words: 'disk busy' })
    await expect(open(tart).launch(request(), never)).rejects.toMatchObject({ name: 'DispatchUnknown' })
  })

  test('without an image, or with a size that is none, nothing is asked', async () => {
    await expect(open({ preset: 'tart' }).launch(request(), never)).rejects.toThrow(/set "image"/)
    await expect(open(tart).launch(request({ machineType: 'huge' }), never)).rejects.toMatchObject({
      name: 'DispatchRefused',
    })
    expect(await asked()).toEqual([])
  })
})

describe('libvirt', () => {
  const libvirt = { preset: 'libvirt', image: 'debian-12-ci.qcow2', pool: 'fast', network: 'ci' }
  const virsh = ['virsh', '--quiet', '--connect', 'qemu:///system']

  // virsh(1) of libvirt 9.
  test('layers, defines, starts and enters a machine, and removes it with its layer', async () => {
    const dispatcher = open(libvirt)
    await dispatcher.launch(request({ machineType: '2x4' }), never)
    await vi.waitFor(async () => expect(await place.living()).toEqual(['d1']), patient)
    await dispatcher.stop?.('d1', never)
    const backing = ['--format', 'qcow2', '--backing-vol', 'debian-12-ci.qcow2', '--backing-vol-format', 'qcow2']
    expect(await asked()).toEqual([
      [...virsh, 'vol-create-as', 'fast', 'MARK.qcow2', '40GiB', ...backing],
      [...virsh, 'define', '/dev/stdin'],
      [...virsh, 'start', 'MARK'],
      [...virsh, 'domifaddr', 'MARK'],
      ['ssh', '-T', ...bound, ...quiet, 'root@192.168.64.2', aLine],
      [...virsh, 'destroy', 'MARK'],
      [...virsh, 'undefine', 'MARK', '--remove-all-storage'],
      [...virsh, 'vol-delete', 'MARK.qcow2', '--pool', 'fast'],
    ])
    const [xml = ''] = (await inputs('virsh')).filter((input) => input !== '')
    expect(xml).toMatch(/<memory unit='KiB'>4194304<\/memory>\s*<vcpu>2<\/vcpu>/)
    expect(xml).toMatch(/<source pool='fast' volume='muster-d1-[0-9a-z]{6}\.qcow2'\/>/)
    expect(xml).not.toContain(canary)
    expect((await readdir(place.state)).filter((file) => file.startsWith('volume-'))).toEqual([])
  })

  test.each([
    ['no such volume', { image: 'missing' }, null],
    ['a name that is no volume', { image: "x'/><disk" }, null],
    ['a machine that does not start', {}, 'virsh-start'],
    ['no way in', {}, 'ssh-BatchMode=yes'],
  ])('%s: nothing is left and nothing was started', async (_, over, fault) => {
    if (fault === 'virsh-start') await place.fail('virsh-start', { words: 'error: internal error: no KVM' })
    else if (fault) await place.fail(fault, { words: 'no luck' })
    await expect(open(libvirt).launch(request(over), never)).rejects.toMatchObject({ name: 'DispatchRefused' })
    expect(existsSync(join(place.state, 'machines')) ? await machinesLeft() : []).toEqual([])
    expect((await readdir(place.state)).filter((file) => file.startsWith('volume-'))).toEqual([])
  })
})

describe('ssh', () => {
  const hosts = ['ci@build1', 'ci@build2']
  const ssh = { preset: 'ssh', hosts, slots: 1 }
  const hostOf = (call: string[]) => call.find((arg) => hosts.includes(arg))
  const starts = async () => (await place.calls()).filter(({ input }) => input !== '').map(({ argv }) => hostOf(argv))

  test('brings the script in by standard input, and keeps it in a folder that nobody else can read', async () => {
    const dispatcher = open({ ...ssh, identity_file: '/etc/muster/key' })
    await dispatcher.launch(request(), never)
    await vi.waitFor(async () => expect(await place.living()).toEqual(['d1']), patient)
    const [start] = (await place.calls()).filter(({ input }) => input !== '')
    expect(start?.argv.slice(0, -1)).toEqual(['-T', ...bound, '-i', '/etc/muster/key', 'ci@build1'])
    expect(start?.input).toContain(canary)
    expect(start?.input.endsWith('\n# whole\n')).toBe(true)
    await place.end('d1')
    await vi.waitFor(async () => {
      const left = await readdir(join(place.state, 'machines', 'build1', '.muster-runners'))
      expect(left).toEqual([])
    }, patient)
  })

  test('a script that came broken is not run', async () => {
    const dispatcher = open(ssh)
    await dispatcher.launch(request(), never)
    const [start] = (await place.calls()).filter(({ input }) => input !== '')
    const line = start?.argv.at(-1) ?? ''
    const { execFileSync } = await import('node:child_process')
    const run = () =>
      execFileSync('sh', ['-c', line.replaceAll('-d1-', '-d2-')], {
        input: 'touch broken-ran\n',
        env: { PATH: process.env.PATH, HOME: join(place.state, 'machines', 'build2') },
        stdio: ['pipe', 'ignore', 'pipe'],
      })
    expect(run).toThrow(/broken/)
  })

  test('takes the host with the fewest runners, then refuses when all are full', async () => {
    const dispatcher = open(ssh)
    await dispatcher.launch(request(), never)
    await dispatcher.launch(request({ id: 'd2', name: 'muster-d2' }), never)
    expect(await starts()).toEqual(hosts)
    await expect(dispatcher.launch(request({ id: 'd3', name: 'muster-d3' }), never)).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: 'ci@build1 is full; ci@build2 is full',
    })
    expect((await dispatcher.running?.(never))?.dispatches.toSorted()).toEqual(['d1', 'd2'])
  })

  test('goes to the next host where one cannot be reached, and its list is not complete', async () => {
    await mark(place.state, 'down-build1')
    const dispatcher = open(ssh)
    await dispatcher.launch(request(), never)
    expect(await dispatcher.running?.(never)).toEqual({ complete: false, dispatches: ['d1'] })
    await expect(dispatcher.stop?.('neverheardof', never)).rejects.toThrow('ci@build1 cannot be asked')
    expect((await dispatcher.check?.(never))?.map(({ level }) => level)).toEqual(['problem', 'good'])
    await dispatcher.stop?.('d1', never)
    expect(await place.living()).toEqual([])
  })

  test('all hosts down is a refusal', async () => {
    await mark(place.state, 'down-build1')
    await mark(place.state, 'down-build2')
    await expect(open(ssh).launch(request(), never)).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining('Connection refused'),
    })
  })

  test('a connection that breaks leaves it unknown, and no other host is asked, now or later', async () => {
    await mark(place.state, 'broken-build1')
    const dispatcher = open(ssh)
    await expect(dispatcher.launch(request(), never)).rejects.toMatchObject({ name: 'DispatchUnknown' })
    await mark(place.state, 'down-build1')
    await expect(dispatcher.launch(request(), never)).rejects.toMatchObject({ name: 'DispatchUnknown' })
    expect(await starts()).toEqual(['ci@build1'])
    await dispatcher.launch(request({ id: 'd2', name: 'muster-d2' }), never)
    expect(await starts()).toEqual(['ci@build1', 'ci@build2'])
  })
})

describe('nsc', () => {
  const nsc = { preset: 'nsc', image: 'runner:12' }
  const labels = (system: string) =>
    ['owner=muster', 'dispatch=d1', 'ENDS', `system=${system}`].flatMap((text) => [
      '--label',
      text === 'ENDS' ? text : `muster.${text}`,
    ])
  const create = ['nsc', 'create', '--bare', '--output', 'json', '--duration', '5400s', '--machine_type']

  // namespacelabs/foundation internal/cli/cmd/cluster/run.go and ssh.go; B19, B20 and B26 of seed-systems.md.
  test('runs a container that ends with its ttl and gets its script by standard input', async () => {
    const dispatcher = open({ ...nsc, network: 'host' })
    await dispatcher.launch(request({ machineType: 'linux/amd64:8x16', image: 'mine:1' }), never)
    await vi.waitFor(async () => expect(await place.living()).toEqual(['d1']), patient)
    const [run, enter, ...rest] = await asked()
    expect(rest).toEqual([])
    expect(run?.slice(0, -1)).toEqual([
      ...['nsc', 'run', '--output', 'json', '--duration', '5400s', '--image', 'mine:1', '--name', 'muster-d1'],
      ...[
        '--user',
        'root',
        '--machine_type',
        'linux/amd64:8x16',
        '--network',
        'host',
        ...labels('linux'),
        '--',
        '/bin/sh',
        '-c',
      ],
    ])
    expect(enter).toEqual(['nsc', 'ssh', '--disable-pty', '--container_name', 'muster-d1', 'i000000000000', aLine])
    expect((await inputs('nsc')).join()).toContain(canary)
    await dispatcher.stop?.('d1', never)
    expect((await asked()).at(-1)).toEqual(['nsc', 'destroy', '--force', 'i000000000000'])
  })

  test.each([
    ['macos/arm64:6x14', ['linux'], 'macos', 'macos/arm64:6x14'],
    ['6x14', ['namespace-profile-macos-large:host'], 'macos', 'macos/arm64:6x14'],
    [null, ['namespace-profile-macos-large'], 'macos', 'macos/arm64:12x28'],
    ['windows/amd64:8x16', ['any'], 'windows', 'windows/amd64:8x28'],
  ])('%s with the labels %j creates a machine', async (machineType, wanted, system, type) => {
    await open(nsc).launch(request({ machineType, labels: wanted }), never)
    const [made, enter] = await asked()
    expect(made).toEqual([...create, type, '--wait_timeout', '480s', ...labels(system)])
    expect(enter?.slice(0, -1)).toEqual(['nsc', 'ssh', '--disable-pty', 'i000000000000'])
    expect(enter?.at(-1)?.startsWith('"C:\\Program Files\\Git\\bin\\sh.exe" -c "')).toBe(system === 'windows')
    await vi.waitFor(async () => expect(await place.started()).toEqual(['d1']), patient)
  })

  test('a machine whose runner has ended is destroyed', async () => {
    const dispatcher = open(nsc)
    await dispatcher.launch(request({ machineType: 'macos/arm64:6x14' }), never)
    expect((await dispatcher.running?.(never))?.dispatches).toEqual(['d1'])
    await vi.waitFor(async () => expect(await place.living()).toEqual(['d1']), patient)
    await place.end('d1')
    await vi.waitFor(async () => expect((await dispatcher.running?.(never))?.dispatches).toEqual([]), patient)
    expect(await asked()).toContainEqual(['nsc', 'destroy', '--force', 'i000000000000'])
  })

  test('falls back to the next shape when there is no capacity, and only then', async () => {
    const env = { FAKE_SCARCE: ':6x14' }
    await open({ ...nsc, env }).launch(request({ machineType: 'macos/arm64:5x10' }), never)
    const created = (await asked())
      .filter((call) => call[1] === 'create')
      .map((call) => call[call.indexOf('--machine_type') + 1])
    expect(created).toEqual(['macos/arm64:6x14', 'macos/arm64:8x28'])
    await place.fail('nsc-create', { words: 'unauthenticated' })
    await expect(open(nsc).launch(request({ id: 'd2', machineType: 'macos/arm64:6x14' }), never)).rejects.toMatchObject(
      {
        name: 'DispatchRefused',
        message: 'nsc create for 6x14 ended with exit code 1: unauthenticated',
      },
    )
  })

  test('falls back when a machine was not there in time, and destroys what the first try made', async () => {
    const dispatcher = open({ ...nsc, env: { FAKE_SLOW: ':6x14' } })
    await dispatcher.launch(request({ machineType: 'macos/arm64:6x14' }), never)
    const tried = (await asked()).map((call) => [call[1], call[call.indexOf('--wait_timeout') + 1]])
    expect(tried.map(([verb]) => verb)).toEqual(['create', 'destroy', 'create', 'ssh'])
    expect(tried.filter(([verb]) => verb === 'create').map(([, limit]) => limit)).toEqual(['480s', '360s'])
    expect((await dispatcher.running?.(never))?.dispatches).toEqual(['d1'])
  })

  test('an instance that cannot be entered is destroyed, so nothing was started', async () => {
    await place.fail('nsc-ssh', { words: 'instance does not have ssh' })
    await expect(open(nsc).launch(request(), never)).rejects.toMatchObject({ name: 'DispatchRefused' })
    expect((await asked()).at(-1)).toEqual(['nsc', 'destroy', '--force', 'i000000000000'])
    expect(await place.started()).toEqual([])
  }, 30_000)

  test('no list of instances is a list that could not be had', async () => {
    await place.fail('nsc-list', { words: 'not logged in' })
    const dispatcher = open(nsc)
    await expect(dispatcher.running?.(never)).rejects.toThrow('nsc list ended with exit code 1: not logged in')
    await expect(dispatcher.launch(request(), never)).rejects.toMatchObject({ name: 'DispatchRefused' })
    expect((await dispatcher.check?.(never))?.[0]).toMatchObject({
      level: 'problem',
      message: expect.stringContaining('not logged in'),
    })
  })

  // B22: the ancestor read past the end of its limits.
  test.each([
    [null, ['12x28', '8x28', '6x14', '4x7'], [8, 6, 5, 5]],
    [{ cpus: 6, memory: 14 }, ['6x14', '8x28', '4x7'], [8, 6, 5]],
    [{ cpus: 1, memory: 1 }, ['4x7', '8x28', '6x14'], [8, 6, 5]],
    [{ cpus: 64, memory: 512 }, ['12x56', '8x28', '6x14', '4x7'], [8, 6, 5, 5]],
  ])('for %j tries each shape once, within its limit', (wanted, shapes, minutes) => {
    const tried = shapesFor(wanted && { cpus: wanted.cpus, memory: wanted.memory * 1024 ** 3 })
    expect(tried.map(({ shape }) => shape)).toEqual(shapes)
    expect(tried.map(({ limit }) => limit / 60_000)).toEqual(minutes)
  })
})

test('no preset ever has a credential in an argument', async () => {
  for (const written of [
    { preset: 'nsc' },
    { preset: 'tart', image: 'x' },
    { preset: 'libvirt', image: 'x' },
    { preset: 'ssh', hosts: ['h'] },
  ]) {
    await open(written).launch(aRequest(), never)
  }
  expect(JSON.stringify((await place.calls()).map(({ argv }) => argv))).not.toContain(canary)
  expect((await readFile(join(place.state, 'calls.jsonl'), 'utf8')).match(/"tool":"(\w+)"/g)?.length).toBeGreaterThan(8)
}, 30_000)

/** Two programs that run at the same time may be recorded in either order. */
function byOrder(...verbs: string[]) {
  const place = (call: string[]) => verbs.indexOf(call[1] ?? '')
  return (a: string[], b: string[]) => place(a) - place(b)
}
