import { dispatcherContract } from '../contract.ts'
import { aPlace, hasJq, ownTool } from './place.ts'

const can = { idempotent: true, lists: true, stops: true }

if (hasJq) dispatcherContract('a command', () => aPlace({ command: [ownTool], ...can }))
dispatcherContract('nsc', () => aPlace({ preset: 'nsc' }))
dispatcherContract('tart', () => aPlace({ preset: 'tart', image: 'ci' }))
dispatcherContract('libvirt', () => aPlace({ preset: 'libvirt', image: 'ci.qcow2' }))
dispatcherContract('ssh', () => aPlace({ preset: 'ssh', hosts: ['ci@build1', 'ci@build2'], slots: 2 }))
