import { expect, test } from 'vitest'
import { Scrubber, Secret } from '../../../src/secret.ts'
import { anApp, everything, never, openGithub, ourApp, privateKey } from '../../support/github-world.ts'

const minute = 60_000
const minted = (answered: readonly string[]) => answered.filter((line) => /access_tokens 201$/.test(line)).length

test('an App finds its installation by the scope, gets a token and looks with it', async () => {
  const { host, github } = await openGithub({ app: anApp() })
  expect(await github({ app: ourApp() }).jobs(everything, never())).toMatchObject({ complete: true })
  expect(host.answered).toContain('GET /orgs/harbour/installation 200')
  expect(minted(host.answered)).toBe(1)
})

test('an App of one repository finds its installation there, one whose installation is named does not look for it', async () => {
  const { host, github } = await openGithub({ app: anApp() })
  const scope = { level: 'repository', owner: 'harbour', name: 'lighthouse' } as const
  await github({ app: ourApp(), scope }).runners(never())
  expect(host.answered).toContain('GET /repos/harbour/lighthouse/installation 200')
  const before = host.answered.length
  await github({ app: ourApp({ installation: '70' }) }).runners(never())
  expect(host.answered.slice(before).filter((line) => line.includes('/installation '))).toEqual([])
})

test('calls that begin together share one token, and so do those of the next 55 minutes', async () => {
  const { host, clock, github } = await openGithub({ app: anApp() })
  const ours = github({ app: ourApp() })
  await Promise.all([ours.runners(never()), ours.jobs(everything, never()), ours.probe(never())])
  clock.pass(54 * minute)
  await ours.runners(never())
  expect(minted(host.answered)).toBe(1)
})

test('a token is fetched anew five minutes before it expires, so no call is refused for its end', async () => {
  const { host, clock, github } = await openGithub({ app: anApp() })
  const ours = github({ app: ourApp() })
  for (let elapsed = 0; elapsed < 180; elapsed++) {
    await ours.runners(never())
    clock.pass(minute)
  }
  expect(minted(host.answered)).toBe(4)
  expect(host.answered.filter((line) => line.startsWith('GET /orgs/harbour/actions') && line.endsWith('401'))).toEqual(
    [],
  )
})

test('a token that was revoked is fetched anew, and its call sent once more, a write too', async () => {
  const { host, clock, github } = await openGithub({ app: anApp() })
  const ours = github({ app: ourApp() })
  await ours.runners(never())
  clock.pass(minute)
  host.tokens.clear()
  const credential = await ours.register({ name: 'muster-1', labels: ['linux'], handle: null }, never())
  expect(credential).toMatchObject({ kind: 'jit' })
  expect(minted(host.answered)).toBe(2)
})

// GitHub's servers learn of a token one after the other.
test('a fresh token that is not known everywhere yet is tried again after a second, and not replaced', async () => {
  const { host, clock, github } = await openGithub({ app: anApp() })
  const ours = github({ app: ourApp() })
  await ours.runners(never())
  const kept = new Map(host.tokens)
  host.tokens.clear()
  const before = clock.now()
  const sleep = clock.sleep
  clock.sleep = async (ms) => {
    for (const [token, life] of kept) host.tokens.set(token, life)
    return sleep(ms)
  }
  expect(await ours.runners(never())).toMatchObject({ complete: true })
  expect(clock.now() - before).toBe(1_000)
  expect(minted(host.answered)).toBe(1)
})

test.each([-20 * minute, 20 * minute])(
  'a clock that is wrong by %i ms still gets a token, and renews it in time',
  async (ahead) => {
    const { host, clock, github } = await openGithub({ app: anApp() })
    host.ahead = ahead
    const ours = github({ app: ourApp() })
    for (let elapsed = 0; elapsed < 120; elapsed += 10) {
      expect(await ours.runners(never())).toMatchObject({ complete: true })
      clock.pass(10 * minute)
    }
    expect(
      host.answered.filter((line) => line.startsWith('GET /orgs/harbour/actions') && line.endsWith('401')),
    ).toEqual([])
  },
)

test('a new token asks for every list afresh, because a tag depends on the credential', async () => {
  const { host, clock, github } = await openGithub({ app: anApp() })
  const ours = github({ app: ourApp() })
  const statuses = async () => {
    const before = host.answered.length
    await ours.runners(never())
    return host.answered
      .slice(before)
      .filter((line) => line.includes('/actions/runners'))
      .map((line) => line.slice(-3))
  }
  expect([await statuses(), await statuses()]).toEqual([['200'], ['304']])
  clock.pass(56 * minute)
  expect([await statuses(), await statuses()]).toEqual([['200'], ['304']])
})

const foreignKey = `-----BEGIN RSA PRIVATE KEY-----\nnonsense\n-----END RSA PRIVATE KEY-----`

test.each([
  ['the id of another App', { id: '8' }, 404, 'the GitHub App 8'],
  ['an installation that is not its own', { installation: '71' }, 404, 'no installation 71'],
])('%s is refused in words that say what to mend', async (_, over, status, hint) => {
  const { github } = await openGithub({ app: anApp() })
  await expect(github({ app: ourApp(over) }).runners(never())).rejects.toMatchObject({
    name: 'ForgeRefused',
    status,
    message: expect.stringContaining(hint),
  })
})

test('a key of another App is refused in words that name where it came from', async () => {
  const { generateKeyPairSync } = await import('node:crypto')
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const pem = other.export({ type: 'pkcs8', format: 'pem' }).toString()
  const { github } = await openGithub({ app: anApp() })
  const asked = github({ app: ourApp({ privateKey: new Secret(pem, 'file:/etc/muster/other.pem') }) }).runners(never())
  await expect(asked).rejects.toMatchObject({
    name: 'ForgeRefused',
    status: 401,
    message: expect.stringContaining('the private key (file:/etc/muster/other.pem) is not one of the GitHub App 7'),
  })
})

test('a key that cannot sign is an error that does not tell it', async () => {
  const { github } = await openGithub({ app: anApp() })
  const error = await github({ app: ourApp({ privateKey: new Secret(foreignKey) }) })
    .runners(never())
    .catch((error: unknown) => error)
  expect(error).toMatchObject({ name: 'ForgeUnreachable' })
  expect(String(error)).not.toContain('nonsense')
})

test('an App that is not installed there, or suspended, says so', async () => {
  const { github } = await openGithub({ app: anApp({ owner: 'elsewhere' }) })
  await expect(github({ app: ourApp() }).runners(never())).rejects.toMatchObject({
    status: 404,
    message: expect.stringContaining('is not installed there'),
  })
  const other = await openGithub({ app: anApp({ suspended: true }) })
  await expect(other.github({ app: ourApp() }).runners(never())).rejects.toMatchObject({
    status: 403,
    message: expect.stringContaining('suspended'),
  })
})

test("the log's scrubber knows each token before it is used", async () => {
  const { host, clock, github } = await openGithub({ app: anApp() })
  const app = ourApp()
  const scrubber = new Scrubber([app.held.secret])
  const ours = github({ app })
  await ours.runners(never())
  clock.pass(56 * minute)
  await ours.runners(never())
  const tokens = [...host.tokens.keys()]
  expect(tokens).toHaveLength(2)
  for (const token of tokens) expect(scrubber.scrub(`Bearer ${token}`)).toBe('Bearer ***')
})

test('a private key with its line breaks written out signs like any other', async () => {
  const { host, github } = await openGithub({ app: anApp() })
  const written = privateKey().replaceAll('\n', '\\n')
  await github({ app: ourApp({ privateKey: new Secret(written) }) }).runners(never())
  expect(minted(host.answered)).toBe(1)
})
