import type { Backoff } from '../../src/core/backoff.ts'
import type { Facts } from '../../src/core/facts.ts'
import type { LabelRules } from '../../src/core/labels.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { aTarget, at } from './builders.ts'

/** How Gitea compares labels. */
export const giteaRules: LabelRules = {
  foldCase: false,
  cutSchemes: true,
  implied: [],
  unlabelled: 'anywhere',
  hostedUnless: null,
}

/** How GitHub does. */
export const githubRules: LabelRules = {
  foldCase: true,
  cutSchemes: false,
  implied: ['self-hosted'],
  unlabelled: 'never',
  hostedUnless: 'self-hosted',
}

/** An instance of which nothing is known. */
export function someFacts(over: Partial<Omit<Facts, 'backoffs'>> & { backoffs?: readonly Backoff[] } = {}): Facts {
  const { backoffs = [], ...rest } = over
  return {
    jobs: [],
    beyond: new Map(),
    dispatches: [],
    requests: [],
    runners: [],
    paused: false,
    kept: { verdicts: new Map(), beyond: new Set() },
    signals: { nudgedAt: null, jobEventAt: null, announcedSince: 0, finishedAt: new Map() },
    ...rest,
    backoffs: new Map(backoffs.map((backoff) => [backoff.key, backoff])),
  }
}

type Known = Parameters<typeof someFacts>[0]

/** One minute past noon at an instance with one target, after its first look. */
export function aSnapshot({
  now,
  targets,
  rules,
  stoppable,
  runnersSeenAt,
  looked,
  rebuiltAt,
  jobsListed,
  api,
  ...known
}: Known & Partial<Snapshot> = {}): Snapshot {
  return {
    now: now ?? at('12:00:10'),
    instance: 'main',
    targets: targets ?? [aTarget()],
    rules: rules ?? giteaRules,
    facts: known.facts ?? someFacts(known),
    stoppable: stoppable ?? new Set(),
    runnersSeenAt: runnersSeenAt ?? null,
    looked: looked ?? true,
    rebuiltAt: rebuiltAt ?? null,
    jobsListed: jobsListed ?? true,
    api: api ?? null,
  }
}
