import type { ForgeKind } from '../forges/forge.ts'
import type { WrittenJob } from './jobs.ts'
import type { FaultKind } from './outbox.ts'

/** One thing that happens in a story, so many seconds after its begin. */
export type Scene = { at: number; forge: ForgeKind; tell: string } & (
  | { push: readonly WrittenJob[] }
  /** Cancels a job by its name. */
  | { cancel: string }
  /** What befalls the next webhook that calls this job queued. */
  | { fault: FaultKind; job: string }
)

export interface Story {
  title: string
  scenes: readonly Scene[]
}

const onForgejo = ['docker']
const onGitea = ['ubuntu-latest']
const onGithub = ['self-hosted', 'linux']

/** What `muster demo` plays: an ordinary quarter of a minute on three forges, and what goes wrong on such a day. */
export const demoStory: Story = {
  title: 'An ordinary day on three forges, told in a quarter of a minute',
  scenes: [
    {
      at: 0.5,
      forge: 'forgejo',
      tell: 'a push starts two jobs, and a third that needs both',
      push: [
        { name: 'lint', labels: onForgejo, seconds: 1 },
        { name: 'test', labels: onForgejo, seconds: 2 },
        { name: 'deploy', labels: onForgejo, needs: ['lint', 'test'], seconds: 1 },
      ],
    },
    { at: 1, forge: 'gitea', tell: 'a push starts one job', push: [{ name: 'build', labels: onGitea, seconds: 1.5 }] },
    {
      at: 1.5,
      forge: 'github',
      tell: 'a matrix of three jobs comes at once',
      push: [
        { name: 'matrix (22)', labels: onGithub, seconds: 2 },
        { name: 'matrix (24)', labels: onGithub, seconds: 1.5 },
        { name: 'matrix (26)', labels: onGithub, seconds: 1 },
      ],
    },
    {
      at: 3,
      forge: 'github',
      tell: 'a job asks for a gpu, which nobody offers',
      push: [{ name: 'train', labels: [...onGithub, 'gpu'], seconds: 1 }],
    },
    {
      at: 4,
      forge: 'gitea',
      tell: 'a burst of four jobs',
      push: ['unit', 'e2e', 'docs', 'image'].map((name) => ({ name, labels: onGitea, seconds: 1.5 })),
    },
    { at: 7, forge: 'gitea', tell: 'the next webhook will be lost on its way', fault: 'lose', job: 'nightly' },
    {
      at: 7,
      forge: 'gitea',
      tell: 'a job is queued, and nobody is told',
      push: [{ name: 'nightly', labels: onGitea, seconds: 1 }],
    },
    { at: 8, forge: 'github', tell: 'the next webhook will come twice', fault: 'duplicate', job: 'publish' },
    {
      at: 8,
      forge: 'github',
      tell: 'a job is queued, and its webhook comes twice',
      push: [{ name: 'publish', labels: onGithub, seconds: 1 }],
    },
    { at: 9, forge: 'github', tell: 'somebody cancels the job that waits for a gpu', cancel: 'train' },
    {
      at: 10,
      forge: 'forgejo',
      tell: 'a burst of three jobs',
      push: ['amd64', 'arm64', 'riscv64'].map((name) => ({ name, labels: onForgejo, seconds: 1.5 })),
    },
    {
      at: 12,
      forge: 'github',
      tell: 'a release: the second job needs the first',
      push: [
        { name: 'package', labels: onGithub, seconds: 1 },
        { name: 'release', labels: onGithub, needs: ['package'], seconds: 1 },
      ],
    },
  ],
}
