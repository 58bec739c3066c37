/**
 * Launching a simulated guest, and ending it by force.
 */
import { Effect, Exit } from "effect"
import type { ExitStatus } from "../../domain/ExitStatus.ts"
import type { InstanceSpec } from "../../domain/InstanceSpec.ts"
import type { BootConfig } from "../../Virtualizer.ts"
import { fail, ImageUnusable, LaunchFailed, StillAlive, type VirtualizerError } from "../../VirtualizerError.ts"
import { deadlineMillis } from "./Latency.ts"
import type { Machine } from "./Machine.ts"
import { lag, operation, type Reach } from "./Reach.ts"
import { notThere } from "./SimulatedImage.ts"

const launchFailed = (detail: string): VirtualizerError => fail(new LaunchFailed({ detail }))

/** How a guest ends that powers off: a container's first process ends with a code. */
const poweredOff = ({ boot }: InstanceSpec): ExitStatus =>
  boot.kind === "container" ? { _tag: "Exited", code: 0 } : { _tag: "PoweredOff" }

/** Launches a guest. Failed or interrupted, it is ended again, verified. */
export const start = (
  reach: Reach,
  spec: InstanceSpec,
  directory: string,
  { volumes }: BootConfig
): Effect.Effect<void, VirtualizerError> => {
  const { fence, host } = reach
  const { id } = spec
  const spawn = fence.actEffect((): Effect.Effect<Machine, VirtualizerError> => {
    const refusal = refuse(reach, spec, directory, volumes)
    return refusal === undefined
      ? Effect.succeed(host.spawn(id, volumes, poweredOff(spec)))
      : Effect.fail(refusal)
  })
  return operation(
    reach,
    id,
    "start",
    Effect.andThen(
      lag(reach, "launch"),
      Effect.acquireUseRelease(
        spawn,
        (machine) => settle(reach, machine),
        (machine, exit) => Exit.isSuccess(exit) ? Effect.void : undo(reach, machine)
      )
    )
  )
}

/** Why a guest is not launched. */
const refuse = (
  { host }: Reach,
  { id }: InstanceSpec,
  directory: string,
  volumes: BootConfig["volumes"]
): VirtualizerError | undefined => {
  const { conditions } = host
  const place = host.place(id)
  place?.sweep()
  if (place?.machine !== undefined) {
    conditions.violate(`a second guest of ${id} was asked for`)
    return launchFailed("there is one already: stop it first")
  }
  if (place?.disk !== "whole") {
    conditions.violate(`${id} was started without a disk`)
    host.tidy(id)
    return fail(new ImageUnusable({ path: `${directory}/disk`, detail: "it is not there: create the image first" }))
  }
  for (const volume of volumes) {
    const { path } = volume.source
    if (host.missing.has(path)) return notThere(path)
    const rival = host.rival(volume)
    if (rival !== undefined) {
      conditions.violate(`volume ${volume.id} of ${id} is in use by ${rival.id}`, rival.id)
      return launchFailed(`volume ${volume.id} is in use by another guest: detach it there first`)
    }
  }
  return host.strikes("failsBeforeSpawn", id) ? launchFailed("the emulator could not be run: try again") : undefined
}

/** Waits until a guest that was just launched is there for sure. */
const settle = (reach: Reach, machine: Machine): Effect.Effect<void, VirtualizerError> => {
  const { fence, host } = reach
  const { id } = machine
  const isThere = fence.actEffect(() =>
    machine.isThere ? Effect.void : Effect.fail(launchFailed("the guest ended before it was there"))
  )
  const hang = Effect.suspend(() =>
    Effect.timeoutOrElse(machine.until(() => !machine.isThere), {
      duration: deadlineMillis.launch,
      orElse: () => Effect.fail(launchFailed(`no answer within ${deadlineMillis.launch} ms`))
    })
  )
  return fence.actEffect(() => host.strikes("launchHangs", id) ? hang : lag(reach, "launch")).pipe(
    Effect.andThen(isThere),
    Effect.andThen(fence.actEffect(() =>
      host.strikes("failsAfterSpawn", id)
        ? Effect.fail(launchFailed("the guest was launched, and could not be set up: try again"))
        : Effect.void
    ))
  )
}

/** Ends a guest whose launch failed. How it ended says nothing about the instance. */
const undo = (reach: Reach, machine: Machine): Effect.Effect<void, VirtualizerError> =>
  Effect.andThen(
    slay(reach, machine),
    reach.fence.act(() => {
      const place = reach.host.place(machine.id)
      if (place !== undefined && place.machine === undefined) place.lastExit = undefined
    })
  )

/** Kills a guest, and returns when it is gone. */
export const slay = ({ fence }: Reach, machine: Machine): Effect.Effect<void, VirtualizerError> =>
  fence.actEffect(() => {
    machine.kill()
    if (!machine.isThere) return Effect.void
    return Effect.timeoutOrElse(fence.wait(machine.until(() => !machine.isThere)), {
      duration: deadlineMillis.kill,
      orElse: () => Effect.fail(fail(new StillAlive({ handle: `pid ${machine.pid}` })))
    })
  })
