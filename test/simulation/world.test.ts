import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { startWorld } from '../../src/simulation/world.ts'
import { countedIds, receiver } from '../support/world.ts'

async function aWorld() {
  const world = await startWorld({ clock: systemClock, ids: countedIds(), seed: 1 })
  onTestFinished(world.close)
  return world
}

test('the world has one forge of each kind, each with a token and a secret of its own', async () => {
  const { forges } = await aWorld()
  expect(forges.map(({ kind }) => kind)).toEqual(['forgejo', 'gitea', 'github'])
  expect(new Set(forges.flatMap(({ token, secret }) => [token, secret])).size).toBe(6)
})

test.each([
  ['forgejo', '/api/v1/repos/harbour/lighthouse/hooks'],
  ['gitea', '/api/v1/repos/orchard/cider/hooks'],
  ['github', '/api/v3/repos/observatory/telescope/hooks'],
] as const)('a hook made on %s is told of what happens there', async (kind, path) => {
  const { forges } = await aWorld()
  const { url, token, secret, forge } = forges.find((one) => one.kind === kind)!
  const inbox = await receiver()
  const config = { url: inbox.url, content_type: 'json', secret }
  const answer = await fetch(url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'gitea', name: 'web', events: ['push'], active: true, config }),
  })
  expect(answer.status).toBe(201)
  const [repository] = forge.ground.repositories.values()
  forge.jobs.push({ repository: `${repository?.owner}/${repository?.name}`, jobs: [] })
  const all = await inbox.until(kind === 'github' ? 2 : 1)
  expect(all.map(({ headers }) => headers.get('x-github-event'))).toContain('push')
})

test('the runner command names a program that is there', async () => {
  const { runnerCommand } = await aWorld()
  expect(runnerCommand[0]).toBe(process.execPath)
  expect(runnerCommand[1]).toMatch(/src\/simulation\/runner\.ts$/)
})
