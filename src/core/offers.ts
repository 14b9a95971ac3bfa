import { comparable, type LabelRules } from './labels.ts'
import { nearest } from './nearest.ts'
import type { Target } from './target.ts'
import { list } from './wording.ts'

/** Why no target takes a job with these labels: which label nobody offers, and which target comes nearest. */
export function lackingOffer(labels: readonly string[], targets: readonly Target[], rules: LabelRules): string {
  if (targets.length === 0) return 'no target is configured for this instance'
  if (labels.length === 0) return unlabelled(rules)
  const asked = labels.map((label) => ({ label, form: comparable(label, rules) }))
  const offered = new Set(targets.flatMap(({ offers }) => offers))
  const odd = asked.filter(({ form }) => !offered.has(form))
  const [best] = targets
    .map((target) => ({ target, has: asked.filter(({ form }) => target.offers.includes(form)) }))
    .sort((a, b) => b.has.length - a.has.length || likeness(b.target, odd) - likeness(a.target, odd))
  const lacking = asked.filter((one) => !best!.has.includes(one)).map(({ label }) => label)
  const rest = best!.has.map(({ label }) => label)
  if (odd.length === 0) {
    return `no target offers ${list(labels)} together; target ${best!.target.name} comes nearest, without ${list(lacking)}`
  }
  const nobody = `no target offers ${list(
    odd.map(({ label }) => label),
    'or',
  )}`
  const nearly = odd.flatMap(({ label, form }) => {
    const near = nearest(form, [...offered])
    return near === null ? [] : [`did you mean ${near} instead of ${label}?`]
  })
  const others =
    rest.length === 0
      ? []
      : [`target ${best!.target.name} offers ${lacking.length > odd.length ? 'some of ' : ''}the rest: ${list(rest)}`]
  return [nobody, ...others, ...nearly].join('; ')
}

/** How many odd labels begin like one that the target offers, or the other way round: `gpu-a100` is more of a `gpu` than of a `docker`. */
function likeness({ offers }: Target, odd: readonly { form: string }[]): number {
  return odd.filter(({ form }) => offers.some((offer) => form.startsWith(offer) || offer.startsWith(form))).length
}

function unlabelled({ unlabelled }: LabelRules): string {
  return unlabelled === 'never'
    ? 'it asks for no labels, and no runner of this forge takes such jobs'
    : 'it asks for no labels, and no target says match_unlabelled: true'
}
