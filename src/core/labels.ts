/** How a forge compares labels: facts stated by its adapter, policy in `match.ts`. */
export interface LabelRules {
  /** GitHub compares without case; Forgejo and Gitea with it. */
  foldCase: boolean
  /** `:host`, `:docker…` and `:lxc…` are no part of a label on Forgejo and Gitea. */
  cutSchemes: boolean
  /** Offered by every target besides its own labels (`self-hosted` on GitHub). */
  implied: readonly string[]
  /** Whether a job without labels can run on a runner of the forge at all. */
  unlabelled: 'never' | 'anywhere'
  /** Jobs that match no target and do not ask for this label belong to the forge's own runners; null where it has none. */
  hostedUnless: string | null
}

const scheme = /:(?:host$|docker.*$|lxc.*$)/

/** The form in which labels are compared. */
export function comparable(label: string, rules: Pick<LabelRules, 'foldCase'>): string {
  return rules.foldCase ? label.toLowerCase() : label
}

/** What a runner with these labels offers: schemes cut, implied labels added, case folded, each once. */
export function offered(labels: readonly string[], rules: LabelRules): string[] {
  const bare = rules.cutSchemes ? labels.map((label) => label.replace(scheme, '')) : labels
  return [...new Set([...bare, ...rules.implied].map((label) => comparable(label, rules)))]
}

/** True when a runner that offers `offers` can take a job that asks for `labels`: a subset, and not an empty one. */
export function fits(
  labels: readonly string[],
  offers: readonly string[],
  rules: Pick<LabelRules, 'foldCase'>,
): boolean {
  return labels.length > 0 && labels.every((label) => offers.includes(comparable(label, rules)))
}
