import { expect, test } from 'vitest'
import { commandFields, commandOptions } from '../../../src/dispatchers/command/options.ts'
import { mapping } from '../../../src/fields/mapping.ts'

const read = (written: Record<string, unknown>) => mapping(commandFields()).transform(commandOptions).safeParse(written)
const toolOf = (written: Record<string, unknown>) => read(written).data?.tool

test('a command can do what its user says', () => {
  const nothing = { kind: 'own', command: ['runners'], idempotent: false, lists: false, stops: false, local: false }
  expect(toolOf({ command: ['runners'] })).toEqual(nothing)
  expect(toolOf({ command: ['runners'], lists: true, local: true })).toEqual({ ...nothing, lists: true, local: true })
})

test.each([
  [{ preset: 'nsc' }, { kind: 'nsc', image: 'code.forgejo.org/forgejo/runner:12', network: null }],
  [{ preset: 'TART' }, { kind: 'tart', image: null, user: 'admin', identity: null }],
  [
    { preset: 'libvirt', pool: 'fast' },
    {
      kind: 'libvirt',
      connect: 'qemu:///system',
      image: null,
      pool: 'fast',
      network: 'default',
      diskGib: 40,
      user: 'root',
      identity: null,
    },
  ],
  [
    { preset: 'ssh', hosts: ['ci@build1'] },
    { kind: 'ssh', hosts: ['ci@build1'], slots: 1, identity: null },
  ],
])('%j has a default for all that is left out', (written, tool) => {
  expect(toolOf(written)).toEqual(tool)
})

test('each preset has its own patience, which the file can change', () => {
  expect(read({ preset: 'nsc' }).data?.launchTimeout).toBe(30 * 60_000)
  expect(read({ preset: 'nsc', launch_timeout: '1m' }).data?.launchTimeout).toBe(60_000)
  expect(read({ command: ['x'] }).data).toMatchObject({
    launchTimeout: 300_000,
    listTimeout: 30_000,
    stopTimeout: 60_000,
  })
})

test.each([
  [{}, 'command', /expected command or preset \(nsc, tart, libvirt, ssh\), found nothing/],
  [{ command: ['x'], preset: 'ssh' }, 'preset', /only one of command and preset/],
  [{ command: [] }, 'command', /the program first/],
  [{ command: 'x' }, 'command', /a list of arguments/],
  [{ command: ['x'], hosts: ['a'] }, 'hosts', /expected a known key/],
  [{ preset: 'sssh' }, 'preset', /did you mean "ssh"/],
  [{ preset: 'ssh' }, 'hosts', /a list of hosts/],
  [{ preset: 'ssh', hosts: ['-oProxyCommand=x'] }, 'hosts', /a host such as/],
  [{ preset: 'tart', lists: false }, 'lists', /expected a known key/],
  [{ preset: 'libvirt', pool: "x' y" }, 'pool', /storage pool/],
  [{ command: ['x'], launch_timeout: 'soon' }, 'launch_timeout', /a duration/],
])('%j is refused at %s', (written, key, message) => {
  expect(read(written).error?.issues[0]).toMatchObject({ message: expect.stringMatching(message) })
  expect(read(written).error?.issues[0]?.path[0]).toBe(key)
})
