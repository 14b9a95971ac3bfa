import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { startArchive } from '../../../src/dispatchers/docker/start-archive.ts'

// Mode, owner and path as `tar` tells them.
const listing = (user: string) =>
  execFileSync('tar', ['-tv', '--numeric-owner'], { input: startArchive('exit 0\n', { user, side: false }) })
    .toString()
    .trim()
    .split('\n')
    .map((line) => line.replace(/^(\S+) (\S+) .* (\S+)$/, '$1 $2 $3'))

describe('the start script can be read by', () => {
  test.each([
    ['', 'root alone', ['drwx------ 0/0 muster/', '-r-------- 0/0 muster/start.sh']],
    ['root', 'root alone', ['drwx------ 0/0 muster/', '-r-------- 0/0 muster/start.sh']],
    ['1000', 'that user alone', ['drwx------ 1000/0 muster/', '-r-------- 1000/0 muster/start.sh']],
    ['1000:1001', 'that user alone', ['drwx------ 1000/1001 muster/', '-r-------- 1000/1001 muster/start.sh']],
    [
      'runner',
      'all in the container, as nobody here knows who that is',
      ['drwxrwxrwx 0/0 muster/', '-r--r--r-- 0/0 muster/start.sh'],
    ],
  ])('the user "%s": %s', (user, _, entries) => {
    expect(listing(user)).toEqual(entries)
  })
})

test('the archive holds the script whole, whatever its length', () => {
  for (const length of [1, 400, 512, 5_000]) {
    const script = `: ${'ä'.repeat(length)}\n`
    const input = startArchive(script, { user: '', side: false })
    const content = execFileSync('tar', ['-xO', 'muster/start.sh'], { input }).toString()
    expect(content).toBe(`#!/bin/sh\nrm -f "$0"\n${script}`)
  }
})

test('beside an engine of its own the script waits for its socket', () => {
  expect(startArchive('', { user: '', side: true }).toString()).toContain('[ ! -S /run/muster-engine/docker.sock ]')
})
