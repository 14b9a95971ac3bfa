import { expect, test } from 'vitest'
import { offered } from '../../../src/core/labels.ts'
import { assign } from '../../../src/core/match.ts'
import { github } from '../../../src/forges/github/forge.ts'
import { aTarget } from '../../support/builders.ts'
import { aGithub } from './github.ts'

/** The target that takes a job with these labels, where there is one for `GPU`. */
function takes(labels: readonly string[], matchUnlabelled = false) {
  const target = aTarget({ name: 'gpu', labels: ['GPU'], offers: offered(['GPU'], github.labels), matchUnlabelled })
  return assign({ labels, repository: 'acme/widgets' }, [target], github.labels)
}

test.each([[['gpu']], [['Gpu', 'SELF-HOSTED']], [['self-hosted']]])('a job for %j finds a target for GPU', (labels) => {
  expect(takes(labels)).toEqual({ target: 'gpu', unassigned: null })
})

test('a job for self-hosted runners that no target offers is unmatched, and not for the runners of GitHub', () => {
  expect(takes(['Self-Hosted', 'arm64'])).toEqual({ target: null, unassigned: 'unmatched' })
  expect(takes(['ubuntu-latest'])).toEqual({ hosted: true })
})

// github-aws-runners/terraform-aws-github-runner#3643: `runs-on: { group: … }` leaves the labels of the event empty.
test('a job that asks for a runner group alone, and so for no label, goes where a target says so', () => {
  expect(takes([], true)).toEqual({ target: 'gpu', unassigned: null })
  expect(takes([])).toEqual({ hosted: true })
})

test("a finished job that is called queued again waits for a look that began after GitHub's lists have caught up", () => {
  expect(aGithub().rounds).toEqual({ requeue: 'late' })
})

test('repositories, organizations and enterprises can be served', () => {
  expect(github.levels).toEqual(['repository', 'organization', 'enterprise'])
})
