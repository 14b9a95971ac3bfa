import { expect, test } from 'vitest'
import { jobKey } from '../../src/core/job.ts'
import { plan } from '../../src/core/plan.ts'
import { aDispatch, aJob, at } from '../support/builders.ts'
import { aSnapshot } from '../support/snapshot.ts'

// Six jobs of no length on Gitea 1.24, four runners at a time: the first were over, and nobody had told so yet. Being older, they took the
// cover of those that waited, and these asked for two runners more.
test.each([true, false])(
  'a job keeps the runner on its way, whatever older ones are perhaps over (job list: %s)',
  (jobsListed) => {
    const older = aJob({ firstSeenAt: at('11:59:00'), doubtedAt: at('12:00:09'), dispatches: 1 })
    const waiting = aJob({ dispatches: 1 })
    const dispatches = [aDispatch({ job: { id: waiting.id, round: 1 } })]
    const { wanted, verdicts } = plan(
      aSnapshot({ jobs: [older, waiting], dispatches, jobsListed, now: at('12:00:10') }),
    )
    expect(wanted).toEqual([])
    expect(verdicts.get(jobKey(waiting))).toMatchObject({ kind: 'covered', by: { dispatch: dispatches[0]?.id } })
    expect(verdicts.get(jobKey(older))).toMatchObject({ kind: 'covered', by: null })
  },
)
