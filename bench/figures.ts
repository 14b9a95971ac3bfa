/** The value below which `share` of all lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

export function row(name: string, values: readonly number[], unit = 'ms'): void {
  const [p50, p99] = [median(values), quantile(values, 0.99)].map((value) => value.toFixed(2))
  console.log(`  ${name.padEnd(44)} median ${p50} ${unit}, p99 ${p99} ${unit} (${values.length} values)`)
}
