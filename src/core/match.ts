import { matchesGlob } from './glob.ts'
import type { ToldJob, Unassigned } from './job.ts'
import { comparable, fits, type LabelRules } from './labels.ts'
import type { Target } from './target.ts'

export type Assignment =
  | { target: string; unassigned: null }
  | { target: null; unassigned: Unassigned }
  /** The job is for the forge's own runners. */
  | { hosted: true }

/** Which target takes a job: the first in file order that offers all its labels and lets its repository in, a higher `priority` before it. */
export function assign(
  job: Pick<ToldJob, 'labels' | 'repository'>,
  targets: readonly Target[],
  rules: LabelRules,
): Assignment {
  const fitting = byPriority(targets).filter((target) => offersAll(job, target, rules))
  const open = fitting.find((target) => admits(target, job.repository))
  if (open) return { target: open.name, unassigned: null }
  if (fitting.length > 0) {
    return { target: null, unassigned: job.repository === null ? 'repository_unknown' : 'not_allowed' }
  }
  return isHosted(job, rules) ? { hosted: true } : { target: null, unassigned: 'unmatched' }
}

function isHosted(job: Pick<ToldJob, 'labels'>, rules: LabelRules): boolean {
  const { hostedUnless } = rules
  return hostedUnless !== null && !job.labels.some((label) => comparable(label, rules) === hostedUnless)
}

/** In the order in which they are asked whether they take something. */
export function byPriority(targets: readonly Target[]): Target[] {
  return [...targets].sort((a, b) => b.priority - a.priority)
}

function offersAll(job: Pick<ToldJob, 'labels'>, target: Target, rules: LabelRules): boolean {
  if (job.labels.length === 0) return target.matchUnlabelled && rules.unlabelled === 'anywhere'
  return fits(job.labels, target.offers, rules)
}

function admits(target: Target, repository: string | null): boolean {
  if (target.allowRepos.length === 0) return true
  if (repository === null) return false
  const name = repository.toLowerCase()
  return target.allowRepos.some((pattern) => matchesGlob(pattern.toLowerCase(), name))
}
