/**
 * Where the operations of Docker's virtualizer are held: at the calls of its engine, and where it mounts volumes.
 */
import { Effect } from "effect"
import type { InstanceId } from "../../../src/domain/InstanceId.ts"
import type { HeldPhase, Shape } from "../../../src/testing/conformance/ConformanceHost.ts"
import type { EngineRelay, Side } from "../../host/docker/EngineRelay.ts"
import type * as Gate from "../../host/Gate.ts"
import type { Gates, ProgramMoment } from "../../host/Gates.ts"

interface Held {
  readonly gates: Gates
  readonly relay: EngineRelay
}

/** The gates of every operation. */
export const dockerGates = ({ gates, relay }: Held): Shape["gates"] => {
  const scoped = (name: string, make: (id: InstanceId) => Gate.Gate): HeldPhase => ({
    name,
    hold: (id) => Effect.acquireRelease(Effect.sync(() => make(id)), ({ open }) => open)
  })
  const call = (name: string, side: Side, pattern: RegExp) => scoped(name, () => relay.hold(side, pattern))
  const program = (name: string, moment: ProgramMoment, words: RegExp) =>
    scoped(name, () => gates.program(moment, words))
  /** It goes through from here on. */
  const passed = (phase: HeldPhase): HeldPhase => ({ ...phase, opensOnInterruption: true })

  const inspect = /^GET .*\/containers\/[^/]+\/json/
  const list = /^GET .*\/containers\/json/
  const look = /^GET .*\/containers\/([^/]+\/)?json/
  const image = /^GET .*\/images\/.*\/json/
  const create = /^POST .*\/containers\/create/
  const start = /^POST .*\/containers\/[^/]+\/start/
  const kill = /^POST .*\/containers\/[^/]+\/kill\?signal=SIGKILL/
  const wait = /^POST .*\/containers\/[^/]+\/wait/
  const remove = /^DELETE .*\/containers\//
  const pause = /^POST .*\/containers\/[^/]+\/pause/
  const resume = /^POST .*\/containers\/[^/]+\/unpause/
  const killing = [
    call("before the container is looked at", "before", inspect),
    call("before it is killed", "before", kill),
    call("when it was killed, before that is told", "after", kill),
    call("before its end is waited for", "before", wait)
  ]
  // What the engine was asked it does, and that is waited for.
  const removing = [
    passed(call("before the container is looked for", "before", inspect)),
    passed(call("before the container is removed", "before", remove)),
    passed(call("when the container is removed, before that is told", "after", remove))
  ]
  return {
    discover: [call("before the engine is asked", "before", list), call("before it is told", "after", list)],
    destroy: killing,
    probe: [call("before the engine is asked", "before", look), call("before it is told", "after", look)],
    ensureBackingImage: [
      call("before the image is looked for", "before", image),
      call("before it is told", "after", image)
    ],
    createImage: [
      call("before the container is looked for", "before", list),
      passed(call("before the container is made", "before", create)),
      passed(call("when the container is made, before that is told", "after", create))
    ],
    deleteImage: removing,
    discard: removing,
    start: [
      passed(call("before the container is started", "before", start)),
      passed(call("when the container runs, before that is told", "after", start))
    ],
    monitor: [
      call("before events are asked for", "before", /^GET .*\/events/),
      call("before events are told", "after", /^GET .*\/events/),
      call("before the container is looked for", "before", list)
    ],
    kill: killing,
    stats: [
      call("before they are asked", "before", /^GET .*\/containers\/[^/]+\/stats/),
      call("before they are told", "after", /^GET .*\/containers\/[^/]+\/stats/)
    ],
    status: [call("before it is asked", "before", inspect), call("before it is told", "after", inspect)],
    stop: [
      call("before the guest is asked", "before", /^POST .*\/containers\/[^/]+\/kill\?signal=(SIGTERM|15)$/),
      call("before it is killed", "before", kill)
    ],
    pause: [call("before the engine is told", "before", pause), call("before it has answered", "after", pause)],
    resume: [call("before the engine is told", "before", resume), call("before it has answered", "after", resume)],
    attachVolume: [
      call("before the container is looked at", "before", inspect),
      scoped(
        "before the volume is resolved",
        (id) => gates.file("before", "realPath", new RegExp(`/data-${id}\\.raw$`))
      ),
      passed(program("before it is mounted", "before", /^mount .*\/data-/)),
      passed(program("when it is mounted", "after", /^mount .*\/data-/))
    ],
    detachVolume: [
      call("before the container is looked at", "before", inspect),
      passed(program("before it is unmounted", "before", /^umount .*\/data-/)),
      passed(program("when it is unmounted", "after", /^umount .*\/data-/))
    ]
  }
}
