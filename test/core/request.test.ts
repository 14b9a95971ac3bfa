import { describe, expect, test } from 'vitest'
import { offering, shapeOf } from '../../src/core/request.ts'
import { aRequest, aTarget } from '../support/builders.ts'
import { giteaRules, githubRules } from '../support/snapshot.ts'

const minute = 60_000

describe('the target whose way a request goes', () => {
  const small = aTarget({ name: 'small', labels: ['linux'] })
  const large = aTarget({ name: 'large', labels: ['linux', 'gpu'] })
  const first = aTarget({ name: 'first', labels: ['linux'], priority: 1 })

  test.each`
    labels                     | targets                  | found
    ${['linux']}               | ${[small, large]}        | ${'small'}
    ${['linux']}               | ${[large, small]}        | ${'large'}
    ${['linux']}               | ${[small, large, first]} | ${'first'}
    ${['gpu:docker://debian']} | ${[small, large]}        | ${'large'}
    ${['linux', 'arm64']}      | ${[small, large]}        | ${undefined}
    ${['LINUX']}               | ${[small]}               | ${undefined}
  `('is $found for $labels', ({ labels, targets, found }) => {
    expect(offering(labels, targets, giteaRules)?.name).toBe(found)
  })

  test('is found on GitHub without case, and without the label that every runner has there', () => {
    expect(offering(['LINUX'], [aTarget({ offers: ['linux', 'self-hosted'] })], githubRules)?.name).toBe('linux')
  })
})

describe('the runner of a request', () => {
  const like = aTarget({ ttl: 7 * minute, machineType: '2x4', image: 'debian', env: { A: 'target', B: 'target' } })

  test('is what its caller asks for', () => {
    const request = aRequest({ ttl: minute, machineType: '4x8', image: 'alpine', env: { B: 'caller' } })
    const shape = shapeOf(request, like, giteaRules)
    expect(shape).toMatchObject({ ttl: minute, machineType: '4x8', image: 'alpine' })
    expect(shape.env).toEqual({ A: 'target', B: 'caller' })
  })

  test('is like its target where the caller says nothing, but for the labels', () => {
    const shape = shapeOf(aRequest({ labels: ['linux:host'] }), like, giteaRules)
    expect(shape).toMatchObject({ labels: ['linux:host'], offers: ['linux'], ttl: 7 * minute, image: 'debian' })
  })

  test('has what is usual where no target offers its labels', () => {
    expect(shapeOf(aRequest(), null, giteaRules)).toMatchObject({
      ttl: 60 * minute,
      bootTimeout: 5 * minute,
      machineType: null,
      image: null,
      env: {},
    })
  })
})
