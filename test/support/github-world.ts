import { generateKeyPairSync } from 'node:crypto'
import type { Scope } from '../../src/core/scope.ts'
import type { Forge } from '../../src/forges/forge.ts'
import { github } from '../../src/forges/github/forge.ts'
import { createHeldToken } from '../../src/forges/github/held-token.ts'
import type { GithubApp } from '../../src/forges/github/options.ts'
import { Secret } from '../../src/secret.ts'
import {
  createGithubHost,
  type GithubHost,
  type GithubTraits,
  type SimulatedInstallation,
} from '../../src/simulation/http/github-host.ts'
import type { FaultRates } from '../../src/simulation/outbox.ts'
import { type HandClock, handClock, type OpenForge, openForge } from './world.ts'

/** A clock that moves when one of ours sleeps, and when a test says so. `forge` is the same time for others, who wait for it. */
export interface WalkingClock extends HandClock {
  forge: HandClock
}

export function walkingClock(start?: string): WalkingClock {
  const forge = handClock(start)
  return { ...forge, forge, sleep: async (ms) => forge.pass(ms) }
}

export interface OpenGithub extends OpenForge {
  host: GithubHost
  clock: WalkingClock
  /** A GitHub of ours that looks at this one. */
  github(over?: Partial<Visitor>): Forge
  notes: string[]
}

export interface Visitor {
  scope: Scope
  token: string
  app: GithubApp | null
  /** Another address than where it listens. */
  base: string
}

export const organization: Scope = { level: 'organization', owner: 'harbour', name: null }

/** A simulated GitHub that listens and delivers, at a time that a test moves. */
export async function openGithub(
  over: {
    repositories?: readonly string[]
    server?: string
    clock?: WalkingClock
    faults?: FaultRates
  } & GithubTraits = {},
): Promise<OpenGithub> {
  const { repositories = ['lighthouse'], server, clock = walkingClock(), faults, ...traits } = over
  const host = createGithubHost(clock, server !== undefined, traits)
  const homes = repositories.map((name) => ({ owner: 'harbour', name }))
  const open = await openForge(
    { kind: 'github', server },
    { clock: clock.forge, repositories: homes, faults, github: host },
  )
  const notes: string[] = []
  return {
    ...open,
    host,
    clock,
    notes,
    github({ scope = organization, token = open.token, app = null, base = open.url } = {}) {
      const baseUrl = new URL(base)
      const options = { baseUrl, apiUrl: new URL('/api/v3', baseUrl), ca: null, app }
      return github.create(
        { ...options, token: app ? app.held.secret : new Secret(token) },
        {
          instance: 'main',
          scope,
          secrets: () => [],
          clock,
          onCall: () => undefined,
          note: (sentence) => notes.push(sentence),
        },
      )
    },
  }
}

const pair = (() => {
  let made: { publicKey: string; privateKey: string } | null = null
  // One pair for a whole file: making one takes a while.
  return () => {
    made ??= generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    })
    return made
  }
})()

export const privateKey = () => pair().privateKey

/** What the App may do that serves an organization. */
export const permissions = {
  actions: 'read',
  metadata: 'read',
  organization_hooks: 'write',
  organization_self_hosted_runners: 'write',
}

/** The App as the simulated GitHub knows it. */
export function anApp(over: Partial<SimulatedInstallation> = {}) {
  return { id: '7', publicKey: pair().publicKey, installations: [{ id: 70, owner: 'harbour', permissions, ...over }] }
}

/** The same App as we are configured with it. */
export function ourApp(over: Partial<GithubApp> = {}): GithubApp {
  const app = { id: '7', privateKey: new Secret(privateKey(), 'file:/etc/muster/app.pem'), installation: null }
  return { ...app, held: createHeldToken('app:7'), ...over }
}

export const never = () => new AbortController().signal

/** A query for the whole scope. */
export const everything = { labels: ['linux'], only: null }
