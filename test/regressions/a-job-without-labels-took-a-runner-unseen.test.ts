import { describe, expect, test } from 'vitest'
import type { Forge } from '../../src/forges/forge.ts'
import { signed } from '../forges/contract.ts'
import { aJob, delivery, giteaHeaders, open } from '../forges/gitea/world.ts'

const never = new AbortController().signal
const onOurRunner = aJob({ labels: [], status: 'in_progress', runner_name: 'muster-1' })

async function gitea27(jobs = [onOurRunner]): Promise<Forge> {
  const forge = open({ version: '1.27', jobs, state: { secrets: ['a webhook secret'] } })
  await forge.probe(never)
  return forge
}

// Gitea 1.27 gives a job without `runs-on` to any runner, as the versions before it do, and lists the callers of reusable workflows, which
// no runner is ever given, just like it. Both were ignored, so a runner that such a job took went on covering the job it was started for.
describe('on Gitea 1.27 a job without labels that a runner took', () => {
  test('is a job when its delivery comes', async () => {
    const forge = await gitea27()
    for (const action of ['in_progress', 'completed']) {
      const body = JSON.stringify(delivery({ action, job: { ...onOurRunner, status: action } }))
      expect(await forge.read(signed(giteaHeaders('workflow_job'), body))).toMatchObject({
        kind: 'jobs',
        jobs: [{ labels: [], runnerName: 'muster-1' }],
      })
    }
  })

  test('is a job in the list', async () => {
    const list = await (await gitea27()).jobs({ labels: [], only: null }, never)
    expect(list?.jobs).toMatchObject([{ labels: [], state: 'running', runnerName: 'muster-1' }])
  })

  test('was taken by a runner with any labels', async () => {
    expect((await gitea27()).labels.unlabelled).toBe('anywhere')
  })
})
