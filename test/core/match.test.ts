import { expect, test } from 'vitest'
import { offered } from '../../src/core/labels.ts'
import { assign } from '../../src/core/match.ts'
import { aTarget } from '../support/builders.ts'
import { giteaRules, githubRules } from '../support/snapshot.ts'

const job = (labels: string[], repository: string | null = 'acme/widgets') => ({ labels, repository })
const target = (name: string, labels: string[], over = {}, rules = giteaRules) =>
  aTarget({ name, labels, offers: offered(labels, rules), ...over })

test.each`
  asked               | offers                             | taken
  ${['linux']}        | ${['linux', 'gpu']}                | ${true}
  ${['linux', 'gpu']} | ${['linux']}                       | ${false}
  ${['linux']}        | ${['linux:docker://node:22']}      | ${true}
  ${['linux']}        | ${['linux:host']}                  | ${true}
  ${['linux']}        | ${['linux:lxc://debian:bookworm']} | ${true}
  ${['linux:host']}   | ${['linux:host']}                  | ${false}
  ${['Linux']}        | ${['linux']}                       | ${false}
  ${['lin']}          | ${['linux']}                       | ${false}
  ${[]}               | ${['linux']}                       | ${false}
`('on Gitea a job that asks for $asked is taken by $offers: $taken', ({ asked, offers, taken }) => {
  const found = assign(job(asked), [target('t', offers)], giteaRules)
  expect(found).toEqual(taken ? { target: 't', unassigned: null } : { target: null, unassigned: 'unmatched' })
})

test.each`
  asked                         | offers       | found
  ${['SELF-HOSTED', 'Linux']}   | ${['linux']} | ${{ target: 't', unassigned: null }}
  ${['linux']}                  | ${['linux']} | ${{ target: 't', unassigned: null }}
  ${['self-hosted', 'windows']} | ${['linux']} | ${{ target: null, unassigned: 'unmatched' }}
  ${['ubuntu-latest']}          | ${['linux']} | ${{ hosted: true }}
`('on GitHub a job that asks for $asked beside a target $offers is $found', ({ asked, offers, found }) => {
  expect(assign(job(asked), [target('t', offers, {}, githubRules)], githubRules)).toEqual(found)
})

test('the first target in file order takes a job, a higher priority before it', () => {
  const first = target('first', ['linux'])
  const second = target('second', ['linux', 'gpu'])
  expect(assign(job(['linux']), [first, second], giteaRules)).toMatchObject({ target: 'first' })
  expect(assign(job(['linux']), [first, { ...second, priority: 1 }], giteaRules)).toMatchObject({ target: 'second' })
})

test('a job without labels is taken only where a target says so and the forge can', () => {
  const any = target('any', ['linux'], { matchUnlabelled: true })
  expect(assign(job([]), [any], giteaRules)).toMatchObject({ target: 'any' })
  expect(assign(job([]), [any], { ...giteaRules, unlabelled: 'never' })).toMatchObject({ unassigned: 'unmatched' })
})

test.each`
  globs                   | repository          | found
  ${['acme/*']}           | ${'acme/widgets'}   | ${{ target: 't' }}
  ${['ACME/widgets']}     | ${'acme/Widgets'}   | ${{ target: 't' }}
  ${['*/widgets', 'x/y']} | ${'acme/widgets'}   | ${{ target: 't' }}
  ${['acme/*']}           | ${'acme-2/widgets'} | ${{ unassigned: 'not_allowed' }}
  ${['acme/*']}           | ${null}             | ${{ unassigned: 'repository_unknown' }}
`('allow_repos $globs and the repository $repository: $found', ({ globs, repository, found }) => {
  expect(assign(job(['linux'], repository), [target('t', ['linux'], { allowRepos: globs })], giteaRules)).toMatchObject(
    found,
  )
})

test('a repository that one target keeps out may be let in by the next', () => {
  const targets = [target('trusted', ['linux'], { allowRepos: ['acme/*'] }), target('open', ['linux'])]
  expect(assign(job(['linux'], 'stranger/fork'), targets, giteaRules)).toMatchObject({ target: 'open' })
})
