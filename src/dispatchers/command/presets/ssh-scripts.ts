import { refusedExit } from '../own-command.ts'
import { receive } from './guest.ts'

// Lines for the login shell of a host. A mark is a folder `$HOME/.muster-runners/<mark>` with the script, and in `pid` the number of the
// session that runs it and the boot in which it began: after a boot the number may be that of a stranger.
const common = [
  'marks=$HOME/.muster-runners',
  'boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo any)',
  'alive() { read -r pid when 2>/dev/null < $1/pid || return 0; [ $when = $boot ] && kill -s 0 -- -$pid 2>/dev/null; }',
].join('; ')

/** Starts what comes on standard input under this mark, unless `slots` runners live here. Asked again it does nothing. */
export function startScriptFor(mark: string, slots: number): string {
  const stem = mark.replace(/[^-]+$/, '')
  const runner = `echo $$ '"$boot"' > $0/pid; export TMPDIR=$0; sh $0/start.sh; rm -rf $0`
  return [
    common,
    'mkdir -p $marks',
    `folder=$marks/.${mark}`,
    receive,
    `for one in $marks/${stem}*; do [ ! -d $one ] || { rm -f $new; exit 0; }; done`,
    'count=0',
    'for one in $marks/*; do if [ -d $one ] && alive $one; then count=$((count + 1)); fi; done',
    `[ $count -lt ${slots} ] || { rm -f $new; exit ${refusedExit}; }`,
    `folder=$marks/${mark}`,
    'mkdir $folder 2>/dev/null || { rm -f $new; exit 0; }',
    'mv $new $folder/start.sh',
    `setsid nohup sh -c '${runner}' $folder > $folder/log 2>&1 < /dev/null &`,
  ].join('\n')
}

/** One line for each mark: its name, and whether it lives. */
export const listScript = [
  common,
  'cd $marks 2>/dev/null || exit 0',
  'for one in *; do if [ -d $one ]; then if alive $one; then echo $one alive; else echo $one ended; fi; fi; done',
].join('\n')

/** Ends the session of a mark and clears it away: asked for 10 s, then killed. */
export function stopScript(mark: string): string {
  return [
    common,
    `one=$marks/${mark}`,
    '[ -d $one ] || exit 0',
    'if [ -f $one/pid ] && alive $one; then',
    '  kill -s TERM -- -$pid 2>/dev/null',
    '  for second in 1 2 3 4 5 6 7 8 9 10; do if alive $one; then sleep 1; fi; done',
    '  kill -s KILL -- -$pid 2>/dev/null',
    'fi',
    'rm -rf $one',
  ].join('\n')
}
