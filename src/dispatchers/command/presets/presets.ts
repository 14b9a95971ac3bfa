import type { Tool } from '../tool.ts'
import { type LibvirtOptions, libvirt, libvirtTool } from './libvirt.ts'
import { type NscOptions, nsc, nscTool } from './nsc.ts'
import { type SshOptions, ssh, sshTool } from './ssh.ts'
import { type TartOptions, tart, tartTool } from './tart.ts'

/** Tools that are known here, each with its keys in the file and how long a start may take (milliseconds). A new one is a file and its lines here. */
export const presets = { nsc, tart, libvirt, ssh }

export const presetNames = ['nsc', 'tart', 'libvirt', 'ssh'] as const

export type PresetOptions = NscOptions | TartOptions | LibvirtOptions | SshOptions

export function presetTool(options: PresetOptions): Tool {
  switch (options.kind) {
    case 'nsc':
      return nscTool(options)
    case 'tart':
      return tartTool(options)
    case 'libvirt':
      return libvirtTool(options)
    case 'ssh':
      return sshTool(options)
  }
}
