import { fileURLToPath } from 'node:url'
import type { Clock } from '../clock.ts'
import type { Scope } from '../core/scope.ts'
import type { ForgeKind } from '../forges/forge.ts'
import type { Ids } from '../ids.ts'
import { seededChoices } from './choices.ts'
import { createSimulatedForge, type SimulatedForge } from './forge.ts'
import { type Courier, startCourier } from './http/deliver.ts'
import { forgejoApp } from './http/forgejo.ts'
import { giteaApp } from './http/gitea.ts'
import { githubApp } from './http/github.ts'
import { listen, type Site } from './http/site.ts'
import type { FaultRates } from './outbox.ts'
import { demoStory, type Story } from './story.ts'
import { createTelling, type Telling } from './telling.ts'
import type { ForgeVersion } from './versions.ts'

/** One forge of the world, as a configuration needs to know it. */
export interface WorldForge {
  kind: ForgeKind
  /** The web address: `base_url`. */
  url: string
  token: string
  /** For `webhook_secret`. */
  secret: string
  scope: Scope
  /** Labels of the one target that serves it, schemes included. */
  labels: readonly string[]
  /** The state machine behind it. */
  forge: SimulatedForge
  courier: Courier
  close(): Promise<void>
}

export interface World {
  forges: readonly WorldForge[]
  story: Telling
  /** The argument list of the stand-in runner, for the process dispatcher. */
  runnerCommand: readonly string[]
  close(): Promise<void>
}

export interface WorldOptions {
  clock: Clock
  ids: Ids
  /** Of the faults that are drawn, not ordered by the story. */
  seed: number
  /** Percentages of deliveries. Default: only the story's own faults. */
  faults?: FaultRates
  story?: Story
}

interface WorldPlace {
  version: ForgeVersion
  repository: { owner: string; name: string }
  labels: readonly string[]
}

/** The three forges of the demo. */
const demoPlaces: readonly WorldPlace[] = [
  {
    version: { kind: 'forgejo', version: 15 },
    repository: { owner: 'harbour', name: 'lighthouse' },
    labels: ['docker:docker://node:22'],
  },
  {
    version: { kind: 'gitea', version: '1.26' },
    repository: { owner: 'orchard', name: 'cider' },
    labels: ['ubuntu-latest:host'],
  },
  {
    version: { kind: 'github' },
    repository: { owner: 'observatory', name: 'telescope' },
    labels: ['self-hosted', 'linux'],
  },
]

/** Starts simulated forges that listen on the loopback, and a story to be played on them. */
export async function startWorld({ clock, ids, seed, faults, story = demoStory }: WorldOptions): Promise<World> {
  const forges = await Promise.all(
    demoPlaces.map(async ({ version, repository, labels }, index): Promise<WorldForge> => {
      // Choices of its own, so that one forge's traffic does not move the faults of another.
      const choices = seededChoices(seed + index)
      const forge = createSimulatedForge({ version, clock, ids, choices, faults, repositories: [repository] })
      const token = forge.ground.token()
      const scope: Scope = { level: 'repository', ...repository }
      const secret = forge.ground.token()
      return { kind: version.kind, token, secret, scope, labels, forge, ...(await openSite(forge, clock, token)) }
    }),
  )
  const telling = createTelling(story, new Map(forges.map(({ kind, forge }) => [kind, forge])), clock)
  const runner = fileURLToPath(
    new URL(import.meta.url.endsWith('.ts') ? './runner.ts' : './runner.js', import.meta.url),
  )
  return {
    forges,
    story: telling,
    runnerCommand: [process.execPath, runner],
    async close() {
      await Promise.all(forges.map((forge) => forge.close()))
    },
  }
}

/** What differs between servers of one version. */
export type SiteSettings = Partial<Pick<Site, 'tokenScopes' | 'maxResponseItems' | 'github'>>

/** Lets a simulated forge speak its dialect over HTTP and send its webhooks, until it is closed. */
export async function openSite(
  forge: SimulatedForge,
  clock: Clock,
  token: string,
  { tokenScopes = ['all'], maxResponseItems = 50, github }: SiteSettings = {},
): Promise<Pick<WorldForge, 'url' | 'courier' | 'close'>> {
  const site: Site = { forge, url: '', token, tokenScopes, user: 'robin', maxResponseItems, github }
  const apps = { forgejo: forgejoApp, gitea: giteaApp, github: githubApp }
  const app = apps[forge.version.kind](site)
  const listening = await listen((request) => {
    // What time alone brings about is seen by whoever asks next.
    forge.runners.sweep()
    return app.fetch(request)
  })
  site.url = listening.url
  const courier = startCourier(forge, clock)
  site.attempts = () => courier.attempts
  return {
    url: listening.url,
    courier,
    async close() {
      await courier.close()
      await listening.close()
    },
  }
}
