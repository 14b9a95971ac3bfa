import { forgeContract } from '../contract.ts'
import { contractWorld } from './world.ts'

forgeContract('gitea 1.25', contractWorld('1.25'))
forgeContract('gitea 1.27 with pages of 7', contractWorld('1.27', 7))
