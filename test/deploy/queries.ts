import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** One query of the files in `deploy/`, as a person would find it. */
export interface Query {
  where: string
  expr: string
}

export interface Alert {
  alert: string
  expr: string
  for?: string
  labels: Record<string, string>
  annotations: Record<string, string>
}

export const rulesFile = new URL('../../deploy/prometheus/muster.rules.yaml', import.meta.url)
const dashboardFile = new URL('../../deploy/grafana/muster.json', import.meta.url)

export function alerts(): Alert[] {
  const { groups } = parse(readFileSync(rulesFile, 'utf8')) as { groups: { rules: Alert[] }[] }
  return groups.flatMap(({ rules }) => rules)
}

/** The panels' queries, with Grafana's variables as it fills them in where everything is chosen. */
export function panelQueries(): Query[] {
  const { panels } = JSON.parse(readFileSync(dashboardFile, 'utf8')) as {
    panels: { title: string; targets?: { expr: string }[] }[]
  }
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      where: `panel "${title}"`,
      expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'),
    })),
  )
}

export function allQueries(): Query[] {
  return [...panelQueries(), ...alerts().map(({ alert, expr }) => ({ where: `alert ${alert}`, expr }))]
}

/** A metric that a query reads, with the labels that it asks of it. */
export interface Selector {
  metric: string
  labels: { name: string; values: string[] }[]
}

/** The selectors of our metrics in a query; a regular expression stands for the words it lists, `.*` for none. */
export function selectors(expr: string): Selector[] {
  return [...expr.matchAll(/\b(muster_\w+)(?:\{([^}]*)\})?/g)].map(([, metric = '', matchers = '']) => ({
    metric,
    labels: [...matchers.matchAll(/(\w+)\s*(=~|=)\s*"([^"]*)"/g)].map(([, name = '', , value = '']) => ({
      name,
      values: value === '.*' ? [] : value.split('|'),
    })),
  }))
}

/** The labels that a query groups by. */
export function groupings(expr: string): string[] {
  return [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = '']) =>
    names.split(',').map((name) => name.trim()),
  )
}

/** Of each sample name in Prometheus' text format: each label, with the values that it has. */
export function exposed(text: string): Map<string, Map<string, Set<string>>> {
  const samples = new Map<string, Map<string, Set<string>>>()
  for (const line of text.split('\n')) {
    const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? []
    if (!name) continue
    const known = samples.get(name) ?? new Map<string, Set<string>>()
    samples.set(name, known)
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="([^"]*)"/g))
      known.set(label, (known.get(label) ?? new Set()).add(value))
  }
  return samples
}
