import type { WrittenJob } from './jobs.ts'
import type { Traits } from './versions.ts'

/** One row that a written job becomes. */
export interface Row {
  written: WrittenJob
  /** It stands for the jobs that it calls, and no runner is given it. */
  caller: boolean
  /** The name of the row that stands for it; null for none. */
  calledBy: string | null
}

/** The rows of a workflow: where a job calls another workflow, that one's jobs are named `caller / job` and wait for what the caller needs. */
export function rowsOf(jobs: readonly WrittenJob[], { called }: Pick<Traits, 'called'>): Row[] {
  const alone = (written: WrittenJob): Row => ({ written, caller: false, calledBy: null })
  if (called === 'as_one') return jobs.map(alone)
  return jobs.flatMap((job) => {
    const needs = (job.needs ?? []).flatMap((name) => standIns(name, jobs, called))
    if (!job.uses) return [alone({ ...job, needs })]
    const inner = job.uses.map((one): Row => {
      const below = (one.needs ?? []).map((name) => inside(job.name, name))
      const written = { ...one, name: inside(job.name, one.name), needs: [...needs, ...below] }
      return { written, caller: false, calledBy: called === 'below_a_caller' ? job.name : null }
    })
    if (called === 'apart') return inner
    return [{ written: { ...job, needs, labels: [] }, caller: true, calledBy: null }, ...inner]
  })
}

/** Which rows somebody waits for who needs the job of this name. */
function standIns(name: string, jobs: readonly WrittenJob[], called: Traits['called']): string[] {
  const uses = called === 'apart' ? jobs.find((job) => job.name === name)?.uses : undefined
  return uses ? uses.map((one) => inside(name, one.name)) : [name]
}

function inside(caller: string, name: string): string {
  return `${caller} / ${name}`
}
