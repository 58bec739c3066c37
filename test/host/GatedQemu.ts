/**
 * A QEMU that can be held: before it begins, and on its control channel. To what is tested it is an emulator like any other.
 */
import { Effect, FileSystem } from "effect"
import * as ProcFs from "../../src/backend/qemu/ProcFs.ts"
import * as QemuArguments from "../../src/backend/qemu/QemuArguments.ts"
import type { InstanceId } from "../../src/domain/InstanceId.ts"
import * as Gate from "./Gate.ts"
import * as QmpRelay from "./QmpRelay.ts"

/**
 * Becomes QEMU. Where there is a relay for the guest, its control channel leads there, and QEMU listens where the relay looks
 * for it. While there is a file `hold`, it stops itself before that.
 */
const script = (directory: string) =>
  `#!/bin/sh
uuid= option=
for word; do
  [ "$option" = -uuid ] && uuid=$word
  option=$word
done
left=$#
while [ "$left" -gt 0 ]; do
  word=$1
  left=$((left - 1))
  shift
  case $word in
    socket,id=qmp,path=*)
      if [ -e "${directory}/$uuid.relay" ]; then
        path=\${word#socket,id=qmp,path=}
        path=$(printf %s "\${path%,server=on,wait=off}" | sed 's/,,/,/g')
        ln -sfn "${directory}/$uuid.relay" "$path"
        word=socket,id=qmp,path=${directory}/$uuid.qemu,server=on,wait=off
      fi
      ;;
  esac
  set -- "$@" "$word"
done
if [ -e "${directory}/hold" ]; then kill -STOP $$; fi
exec qemu-system-x86_64 "$@"
`

export interface GatedQemu {
  /** The emulator, for `QemuConfig`. */
  readonly emulator: string
  /** Holds guests from now on when their process is there, before QEMU has begun. */
  readonly holdLaunch: Effect.Effect<Gate.Gate>
  /** Puts a relay on the control channel that the guest of an instance will have, as long as the scope is open. */
  readonly relay: (id: InstanceId) => ReturnType<typeof QmpRelay.make>
}

/** An emulator of its own, in a directory of its own. */
export const make = Effect.fn("GatedQemu.make")(function*() {
  const fs = yield* FileSystem.FileSystem
  // A short name, for the sockets' sake.
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "gq" })
  // Guests run as a user of their own, and make their sockets here.
  yield* fs.chmod(directory, 0o777)
  const emulator = `${directory}/emulator`
  yield* fs.writeFileString(emulator, script(directory))
  yield* fs.chmod(emulator, 0o755)
  const stopped = () => ProcFs.pids().filter((pid) => ProcFs.commandLine(pid)?.[1] === emulator && Gate.isStopped(pid))
  return {
    emulator,
    holdLaunch: Effect.as(Effect.orDie(fs.writeFileString(`${directory}/hold`, "")), {
      reached: Gate.until("no guest's process stopped before it began", () => stopped().length > 0),
      open: Effect.andThen(
        Effect.orDie(fs.remove(`${directory}/hold`)),
        Effect.suspend(() => Effect.forEach(stopped(), (pid) => Gate.signal(pid, "SIGCONT"), { discard: true }))
      )
    }),
    relay: (id) => {
      const uuid = QemuArguments.uuid(id)
      return QmpRelay.make(`${directory}/${uuid}.relay`, `${directory}/${uuid}.qemu`)
    }
  } satisfies GatedQemu
})
