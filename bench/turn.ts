import { plan } from '../src/core/plan.ts'
import { aDispatch, aJob, aRunner, aTarget, at } from '../test/support/builders.ts'
import { aSnapshot } from '../test/support/snapshot.ts'
import { row } from './figures.ts'

const rounds = 30

/** The pure decision alone: 10,000 open jobs over 200 targets. */
export async function turnBench(): Promise<void> {
  const targets = Array.from({ length: 200 }, (_, number) =>
    aTarget({ name: `t${number}`, labels: [`l${number}`], offers: [`l${number}`] }),
  )
  const label = (number: number) => `l${number % 200}`
  const jobs = Array.from({ length: 10_000 }, (_, number) =>
    aJob({ labels: [label(number)], target: `t${number % 200}` }),
  )
  const runners = Array.from({ length: 400 }, (_, number) => aRunner({ labels: [label(number)] }))
  const dispatches = Array.from({ length: 400 }, (_, number) =>
    aDispatch({ labels: [label(number)], target: `t${number % 200}` }),
  )
  const snapshot = aSnapshot({ now: at('12:00:10'), targets, jobs, runners, dispatches })
  console.log('plan: 10,000 open jobs, 200 targets, 400 idle runners, 400 pending dispatches')
  const took = Array.from({ length: rounds }, () => {
    const began = performance.now()
    plan(snapshot)
    return performance.now() - began
  })
  row('one plan', took)
}
