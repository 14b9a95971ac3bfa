import { expect, test } from 'vitest'
import { lackingOffer } from '../../src/core/offers.ts'
import type { Target } from '../../src/core/target.ts'
import { aTarget } from '../support/builders.ts'
import { giteaRules, githubRules } from '../support/snapshot.ts'

const targets = (offers: Record<string, string[]>): Target[] =>
  Object.entries(offers).map(([name, labels]) => aTarget({ name, labels }))

const shop = { linux: ['linux', 'docker'], gpu: ['linux', 'gpu'], mac: ['macos'] }

test.each([
  [['linux', 'gpu-a100'], shop, 'no target offers gpu-a100; target gpu offers the rest: linux'],
  [['linux', 'gpu', 'gpu-a100'], shop, 'no target offers gpu-a100; target gpu offers the rest: linux and gpu'],
  [['docker', 'macos', 'x9'], shop, 'no target offers x9; target linux offers some of the rest: docker'],
  [['windows', 'arm'], shop, 'no target offers windows or arm'],
  [['docker', 'gpu'], shop, 'no target offers docker and gpu together; target linux comes nearest, without gpu'],
  [['linxu'], shop, 'no target offers linxu; did you mean linux instead of linxu?'],
  [['Linux'], shop, 'no target offers Linux; did you mean linux instead of Linux?'],
  [['linux'], {}, 'no target is configured for this instance'],
  [[], shop, 'it asks for no labels, and no target says match_unlabelled: true'],
])('the labels %j, of which no target offers all: %s', (labels, offers, sentence) => {
  expect(lackingOffer(labels, targets(offers), giteaRules)).toBe(sentence)
})

test('labels are held against each other as the forge does it', () => {
  const offers = targets({ gpu: ['self-hosted', 'gpu'] })
  expect(lackingOffer(['Self-Hosted', 'GPU-A100'], offers, githubRules)).toBe(
    'no target offers GPU-A100; target gpu offers the rest: Self-Hosted',
  )
  expect(lackingOffer([], offers, githubRules)).toBe(
    'it asks for no labels, and no runner of this forge takes such jobs',
  )
})
