/** What a forge's re-runs look like: facts stated by its adapter, used by `reconcile.ts`. */
export interface RoundRules {
  /**
   * When a delivery calls a finished round queued again:
   * `soon`: a look that begins at once may open the new round (Gitea up to 1.26 re-runs under the same id);
   * `late`: only a look that begins 60 s after the round's last delivery may (GitHub's lists lag by up to 20 s, and its late deliveries look the same).
   */
  requeue: 'soon' | 'late'
}
