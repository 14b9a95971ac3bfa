import { expect, test } from 'vitest'
import { examine } from '../../src/inspection/check.ts'
import { load } from '../config/written.ts'
import { openGithub } from '../support/github-world.ts'

test.each([
  ['{ kind: process }', 'warning'],
  ['{ kind: docker, image: runner, host: "unix:///nowhere.sock" }', 'good'],
])('a public repository beside the dispatcher %s is a %s', async (dispatcher, level) => {
  const { host, url, token } = await openGithub()
  host.publicRepositories.add('harbour/lighthouse')
  host.groupAllowsPublic = true
  const config = load(`dispatcher: ${dispatcher}
admin: { listen: "127.0.0.1:1" }
instances:
  - name: main
    github: { base_url: "${url}", token: ${token} }
    scope: { level: organization, owner: harbour }
    targets: [{ labels: [linux] }]
`)
  const findings = (await examine(config)).flatMap((one) => one.findings)
  expect(findings.filter(({ check }) => check === 'public_repositories')).toMatchObject([{ level }])
})
