import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { clean } from '../../src/inspection/clean.ts'
import { listen } from '../../src/simulation/http/site.ts'
import { load } from '../config/written.ts'
import { openForge, repositoryScope } from '../support/world.ts'

const over = '0000000000000001'
const toCome = '0000000000000002'

/** A forge with these registrations, of which no runner has come, and a running service that knows the dispatches in `live`. */
async function aPlace(names: readonly string[], live: readonly string[] = [], asked: () => void = () => undefined) {
  const { forge, url, token } = await openForge({ kind: 'github' })
  const registered = (name: string) =>
    forge.runners.register({ scope: repositoryScope, name, labels: ['linux'], ephemeral: true })
  for (const name of names) registered(name)
  const service = await listen((request) => {
    const items = request.url.includes('/dispatches') ? live.map((id) => ({ id })) : []
    // The dispatches of this answer are those of now; what follows comes later.
    if (request.url.includes('/dispatches')) asked()
    return Response.json({ items, next: null })
  })
  onTestFinished(service.close)
  const config = load(`state: "sqlite:${join(tmpdir(), 'never-opened.db')}"
admin: { listen: "${new URL(service.url).host}" }
dispatcher: { kind: process }
instances:
  - name: main
    github: { base_url: "${url}", token: ${token} }
    scope: { level: repository, owner: ${repositoryScope.owner}, name: ${repositoryScope.name} }
    targets: [{ labels: [linux] }]
`)
  const left = () => forge.runners.of(repositoryScope).map(({ name }) => name)
  return { left, registered, clean: (remove: boolean) => clean(config, remove) }
}

test('our offline registrations are removed, and only told of before that is wished', async () => {
  const { clean, left } = await aPlace([`muster-${over}`])
  expect(await clean(false)).toMatchObject([{ offline: [{ name: `muster-${over}`, removed: false, error: null }] }])
  expect(left()).toEqual([`muster-${over}`])
  expect(await clean(true)).toMatchObject([{ offline: [{ removed: true, error: null }] }])
  expect(left()).toEqual([])
})

test('a runner that is still to come is let be', async () => {
  const { clean, left } = await aPlace([`muster-${over}`, `muster-${toCome}`], [toCome])
  await clean(true)
  expect(left()).toEqual([`muster-${toCome}`])
})

// The service was asked first: a runner that it registered between its answer and the forge's list belonged to no dispatch.
test('a runner that is registered meanwhile is let be', async () => {
  const place = await aPlace([`muster-${over}`], [], () => place.registered(`muster-${toCome}`))
  await place.clean(true)
  expect(place.left()).toEqual([`muster-${toCome}`])
})

// The name had only to begin like ours.
test.each(['muster-build-box', `muster-eu-${over}`])('the registration %s of somebody else is let be', async (name) => {
  const { clean, left } = await aPlace([name])
  expect(await clean(true)).toMatchObject([{ offline: [], error: null }])
  expect(left()).toEqual([name])
})
