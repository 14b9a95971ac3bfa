import { expect, test } from 'vitest'
import { checkTargets } from '../../src/inspection/targets.ts'
import { load } from '../config/written.ts'

const found = (target: string, dispatcher: string, forge = 'gitea') => {
  const config = load(`dispatcher: ${dispatcher}
instances:
  - name: main
    ${forge}: { base_url: "https://forge.example.org", token: t0ken }
    scope: { level: organization, owner: acme }
    targets: [${target}]
`)
  const [instance] = config.instances
  if (!instance) throw new Error('there is one')
  return checkTargets(config, instance).map(({ level, check }) => `${level} ${check}`)
}

test.each`
  what                                               | target                                     | dispatcher                           | expected
  ${'an image that nobody names'}                    | ${'{ labels: [linux] }'}                   | ${'{ kind: docker }'}                | ${'problem target_image'}
  ${'an image that the target names'}                | ${'{ labels: [linux], image: x }'}         | ${'{ kind: docker }'}                | ${'good targets'}
  ${'an image that the dispatcher names'}            | ${'{ labels: [linux] }'}                   | ${'{ kind: docker, image: x }'}      | ${'good targets'}
  ${'Windows in a container of Linux'}               | ${'{ labels: [windows-large], image: x }'} | ${'{ kind: docker }'}                | ${'warning target_system'}
  ${'macOS as a process of this host'}               | ${'{ labels: ["macos:host"] }'}            | ${'{ kind: process }'}               | ${'warning target_system'}
  ${'macOS from a service that may have any system'} | ${'{ labels: [macos] }'}                   | ${'{ url: "http://d.example.org" }'} | ${'good targets'}
  ${'a label that only sounds like a system'}        | ${'{ labels: [nowindowsill] }'}            | ${'{ kind: process }'}               | ${'good targets'}
  ${'a label with a comma'}                          | ${'{ labels: ["a,b"] }'}                   | ${'{ kind: process }'}               | ${'problem target_labels'}
`('$what: $expected', ({ target, dispatcher, expected }) => {
  expect(found(target, dispatcher)).toEqual([expected])
})

test('GitHub is told labels one by one, so a comma does no harm there', () => {
  expect(found('{ labels: ["a,b"] }', '{ kind: process }', 'github')).toEqual(['good targets'])
})
