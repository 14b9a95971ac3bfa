import { DispatchRefused } from './errors.ts'

/** A machine as `machine_type` writes it. */
export interface MachineType {
  cpus: number
  /** Bytes. */
  memory: number
  /** What stands before the colon (`windows/amd64:8x16`); null where nothing does. */
  platform: { os: string; arch: string } | null
}

const gibibyte = 1024 ** 3
const shape = /^(?:([a-z]+)\/([a-z0-9]+):)?(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)$/

/** Reads `2x4` (CPUs x GiB), also with a platform before it: `windows/amd64:8x16`. Null for none; rejects anything else with `DispatchRefused`. */
export function machineType(written: string | null): MachineType | null {
  if (written === null) return null
  const [, os, arch, cpus, memory] = shape.exec(written) ?? []
  if (Number(cpus) > 0 && Number(memory) > 0) {
    const platform = os && arch ? { os, arch } : null
    return { cpus: Number(cpus), memory: Math.round(Number(memory) * gibibyte), platform }
  }
  throw new DispatchRefused(`the machine_type "${written}" is not one: write CPUs and GiB of memory, such as 2x4`)
}
