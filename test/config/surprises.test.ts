import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { aFolder, load, refused, yaml } from './written.ts'

// YAML 1.2 has only true and false, and no sexagesimal numbers; what older parsers made of these words is a text here.
test.each`
  written         | label
  ${'no'}         | ${'no'}
  ${'on'}         | ${'on'}
  ${'12:30'}      | ${'12:30'}
  ${'2026-01-01'} | ${'2026-01-01'}
  ${'"010"'}      | ${'010'}
`('the label $written is the text $label', ({ written, label }) => {
  expect(load(yaml({ target: [`labels: [${written}]`] })).instances[0]?.targets[0]?.labels).toEqual([label])
})

test.each`
  written
  ${'1.10'}
  ${'010'}
  ${'0x1F'}
  ${'1e3'}
  ${'true'}
  ${'~'}
`('the label $written, which would be no text, is refused with how to write it', ({ written }) => {
  const [problem] = refused(yaml({ target: [`labels: [${written}]`] }))
  expect(problem).toMatch(
    /^autoscaler\.yaml:6:18 instances\[0\]\.targets\[0\]\.labels\[0\]: expected a label .*, found /,
  )
})

test.each`
  written   | max
  ${'010'}  | ${10}
  ${'0x1F'} | ${31}
  ${'1e3'}  | ${1_000}
`('the number $written is $max', ({ written, max }) => {
  expect(load(yaml({ target: ['labels: [a]', `max: ${written}`] })).instances[0]?.targets[0]?.max).toBe(max)
})

test.each(['-5s', '-5', '30', '30 d', '1d', '.nan', '.inf', 's', '1h30', '"1e3s"'].map((text) => [text]))(
  'the duration %s is refused',
  (written) => {
    const quoted = /^[\d.-]/.test(written) && !/[a-z ]/.test(written) ? `"${written}"` : written
    expect(refused(yaml({ instance: [`poll_interval: ${quoted}`] }))[0]).toMatch(
      /^autoscaler\.yaml:6:5 instances\[0\]\.poll_interval: expected a duration such as 500ms, 30s, 5m or 2h, 0 or more, found /,
    )
  },
)

// Node's timers end at 2^31 milliseconds; what is longer does not end at once (test/clock.test.ts).
test('a duration of a month is one', () => {
  expect(load(yaml({ target: ['labels: [a]', 'ttl: 720h'] })).instances[0]?.targets[0]?.ttl).toBe(2_592_000_000)
})

test.each`
  name         | problem
  ${'"../x"'}  | ${'found "../x"'}
  ${'"a/b"'}   | ${'found "a/b"'}
  ${'""'}      | ${'found ""'}
  ${'"a\\tb"'} | ${'found another text'}
  ${'[a]'}     | ${'found a list'}
`('the name $name of an instance, which stands in a path, is refused', ({ name, problem }) => {
  const text = yaml().replace('name: main', `name: ${name}`)
  expect(refused(text)[0]).toBe(
    `autoscaler.yaml:2:5 instances[0].name: expected a name of 1 to 100 characters without a slash or control characters, ${problem}`,
  )
})

test('two targets of one name in an instance are refused with both places', () => {
  const text = `${yaml({ target: ['labels: [a]', 'name: t'] })}      - { labels: [b], name: t }\n`
  expect(refused(text)).toEqual([
    'autoscaler.yaml:8:24 instances[0].targets[1].name: expected a name of its own, found "t" again, the first is on line 7',
  ])
})

test.each`
  what          | lines                                                 | problem
  ${'instance'} | ${{ instance: ['dispatcher: nowhere'] }}              | ${'6:5 instances[0].dispatcher'}
  ${'target'}   | ${{ target: ['labels: [a]', 'dispatcher: nowhere'] }} | ${'7:9 instances[0].targets[0].dispatcher'}
  ${'fallback'} | ${{ target: ['labels: [a]', 'fallback: [nowhere]'] }} | ${'7:20 instances[0].targets[0].fallback[0]'}
`('a dispatcher that the $what names and nobody has is refused with those that there are', ({ lines, problem }) => {
  const text = yaml({ ...lines, top: ['dispatchers: { cloud: { kind: process }, spare: { kind: process } }'] })
  expect(refused(text)).toContain(
    `autoscaler.yaml:${problem}: expected the name of a dispatcher (cloud, spare), found "nowhere"`,
  )
})

test.each`
  kind         | hint
  ${'process'} | ${'such as ["forgejo-runner", "one-job"]'}
  ${'command'} | ${'such as ["/usr/local/bin/runners"]'}
`('a command of the kind $kind is a list of arguments: nothing splits a text into words', ({ kind, hint }) => {
  expect(refused(yaml({ top: [`dispatcher: { kind: ${kind}, command: "run me; rm -rf /" }`] }))[0]).toBe(
    `autoscaler.yaml:6:30 dispatcher.command: expected a list of arguments, found "run me; rm -rf /", ${hint}`,
  )
})

test.each(['0.0.0.0:8091', ':8091', '[::]:8091', '192.168.1.2:8091', 'muster.example:8091'])(
  'the admin listener on %s needs a token',
  (listen) => {
    expect(refused(yaml({ top: [`admin: { listen: "${listen}" }`] }))[0]).toBe(
      'autoscaler.yaml:6:1 admin.tokens: expected at least one token, because admin.listen is not a loopback address, found nothing',
    )
    expect(
      load(
        yaml({
          top: [
            `admin: { listen: "${listen}", tokens: [{ name: a, role: read, token: a-token-of-more-than-24-characters }] }`,
          ],
        }),
      ),
    ).toBeDefined()
  },
)

test('what a token looks like is shown in no refusal, wherever it stands', () => {
  const token = 'ghp_c4n4ry0123456789abcdef'
  for (const lines of [
    { top: [`owner: "${token} ${token}"`] },
    { top: [`listen: ${token}`] },
    { top: [`${token}: 1`] },
    { scope: `{ level: ${token}, owner: acme }` },
    { target: [`labels: ${token}`] },
    { instance: [`dispatcher: ${token}`] },
    { instance: [`poll_interval: ${token}`] },
  ])
    expect(refused(yaml(lines)).join('\n')).not.toContain('c4n4ry')
})

test('the command line ends with 78, starts nothing, and tells every problem on standard error alone', () => {
  const folder = aFolder()
  expect(() => load('lisen: 1\nowner: 7\n', {}, folder)).toThrow()
  const program = new URL('../../bin/muster.js', import.meta.url).pathname
  const run = spawnSync(process.execPath, [program, 'serve'], { cwd: folder, encoding: 'utf8', env: {} })
  expect([run.status, run.stdout]).toEqual([78, ''])
  expect(run.stderr).toMatch(/autoscaler\.yaml:1:1 lisen: .*did you mean "listen"\?\n/)
  expect(run.stderr).toMatch(/autoscaler\.yaml:2:1 owner: /)
  expect(run.stderr).toMatch(/autoscaler\.yaml:1:1 instances: |autoscaler\.yaml:1:1: .*instances/)
})
