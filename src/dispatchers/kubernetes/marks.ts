import { createHash } from 'node:crypto'
import { runnerName } from '../../core/dispatch.ts'
import type { LaunchRequest } from '../dispatcher.ts'

/** `.internal` is reserved for private use (ICANN, 2024), so this prefix is nobody's registry. */
const domain = 'muster.internal'

/** Which labels and annotations say whose a Job or a pod is. */
export const marks = {
  owner: `${domain}/owner`,
  dispatch: `${domain}/dispatch`,
  instance: `${domain}/instance`,
  target: `${domain}/target`,
  runnerLabels: `${domain}/labels`,
  job: `${domain}/job`,
  repository: `${domain}/repository`,
  run: `${domain}/run`,
  /** Put on a Job in the moment that its pod may come: one that is suspended without it is a start that stopped half-way. */
  started: `${domain}/started`,
} as const

/** A value of a label: at most 63 characters, a letter or digit at both ends. */
const labelValue = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/

export function fitsLabel(text: string): boolean {
  return labelValue.test(text)
}

/** What a selector finds our Jobs and pods by. The owner stands in an annotation, too: exactly, where it is no value of a label. */
export function labelsOf(owner: string, dispatchId: string): Record<string, string> {
  return { [marks.owner]: ownerLabel(owner), [marks.dispatch]: dispatchId }
}

export function selectorOf(owner: string): string {
  return `${marks.owner}=${ownerLabel(owner)},${marks.dispatch}`
}

/** For people's eyes; the owner decides whose it is. */
export function annotationsOf(owner: string, request: LaunchRequest): Record<string, string> {
  const { instance, target, labels, job, about } = request
  return {
    [marks.owner]: owner,
    [marks.instance]: instance,
    [marks.target]: target,
    [marks.runnerLabels]: labels.join(','),
    ...(job !== null && { [marks.job]: job }),
    ...(about?.repository && { [marks.repository]: about.repository }),
    ...(about?.runId && { [marks.run]: about.runId }),
  }
}

/** `<owner>-<dispatch id>` as an RFC 1123 label; with a hash of it behind where it had to be changed, so that no two become one. */
export function jobName(owner: string, dispatchId: string): string {
  const name = runnerName(owner, dispatchId)
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) return name
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 54)
  return `${plain}-${digest(name)}`.replace(/^-+/, '')
}

function ownerLabel(owner: string): string {
  if (fitsLabel(owner)) return owner
  return `${owner.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 50)}-${digest(owner)}`.replace(/^-+/, '')
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}
