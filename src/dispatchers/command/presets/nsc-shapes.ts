import type { MachineType } from '../../machine-type.ts'

/** CPUs x GiB, as namespace.so writes machines. */
export type Shape = `${number}x${number}`

const minute = 60_000
// What machines of macOS and Windows come in, the shape when none is asked for, and what is tried when that cannot be had (seed-systems.md 1.8).
const cpuSteps = [4, 6, 8, 12]
const memorySteps = [7, 14, 28, 56]
const usual: Shape = '12x28'
const others: readonly Shape[] = ['8x28', '6x14', '4x7']
const limits = [8 * minute, 6 * minute, 5 * minute]

/** The shapes to try, best first and each once, with the milliseconds that each gets. */
export function shapesFor(machine: Pick<MachineType, 'cpus' | 'memory'> | null): { shape: Shape; limit: number }[] {
  const wanted: Shape = machine
    ? `${step(cpuSteps, machine.cpus)}x${step(memorySteps, machine.memory / 1024 ** 3)}`
    : usual
  return [...new Set([wanted, ...others])].map((shape, index) => ({ shape, limit: limits[index] ?? 5 * minute }))
}

/** Rounded up; the largest where it is more than that. */
function step(steps: readonly number[], wanted: number): number {
  return steps.find((one) => one >= wanted) ?? Math.max(...steps)
}
